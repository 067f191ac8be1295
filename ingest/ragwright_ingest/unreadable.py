"""A document that cannot be loaded, while all others can."""

from __future__ import annotations

MAX_BYTES = 10 * 2**20


class UnreadableError(Exception):
    """A document cannot be read, and the message says why. The build goes on without it."""


def too_large(size: int | None) -> UnreadableError:
    """`size` is None if it is only known that the document is larger than MAX_BYTES."""
    told = "too large" if size is None else f"{size / 2**20:.1f} MiB"
    return UnreadableError(f"{told}; at most {MAX_BYTES // 2**20} MiB are read")

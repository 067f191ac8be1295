"""The interface of a source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Listed:
    """A document in a listing. A document has changed if its `mark` has. If the listing has the
    bytes at hand, the mark is their SHA-256 in hex, so that a text that moves to another kind of
    source is no change. Otherwise the source gives the mark, for example an ETag."""

    path: str
    mark: str
    bytes: int
    url: str | None = None


@dataclass(frozen=True)
class Listing:
    """A source at one revision. `left_out` says in words which files its globs did not take."""

    revision: str
    documents: tuple[Listed, ...]
    left_out: str = ""


class OpenSource(Protocol):
    """A source pinned to a revision. Both methods raise ProblemError."""

    def list(self) -> Listing: ...

    def read(self, path: str, mark: str) -> bytes:
        """The bytes that were listed, or ProblemError(SOURCE_CHANGED)."""
        ...

    def close(self) -> None: ...


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

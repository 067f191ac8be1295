"""Waiting for something to become true, without sleeping blindly."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, *, seconds: float = 30) -> None:
    """Poll until `holds()` is true. Raises AssertionError naming `what` after `seconds`."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, f"not within {seconds} s: {what}"
        time.sleep(0.02)

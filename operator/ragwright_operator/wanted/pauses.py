"""The pause between a failed attempt and the next one. Pure."""

from __future__ import annotations

from datetime import timedelta

from ragwright_core.model import fingerprint

FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 600


def pause(request: str, attempt: int) -> timedelta:
    """The pause grows with each attempt, and varies by a fifth so that pipelines do not retry in
    step."""
    seconds = min(FIRST_PAUSE_SECONDS * 2 ** min(attempt - 1, 10), LONGEST_PAUSE_SECONDS)
    spread = int(fingerprint([request, attempt])[:4], 16) / 0xFFFF
    return timedelta(seconds=int(seconds * (0.8 + 0.4 * spread)))

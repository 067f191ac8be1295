"""A problem, as a reason in one word and as a message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """A reason for machines, and the cause and the next step for people."""

    reason: str
    message: str

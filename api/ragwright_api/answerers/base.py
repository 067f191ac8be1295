"""What an answerer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ragwright_api.database import Found

NOTHING_FOUND = "The documents hold nothing about this."


class LlmUnavailableError(Exception):
    """The language model gave no answer in time, or refused; the message says which."""


@dataclass(frozen=True)
class Answer:
    """`sources` are references such as `path#L10-L42`, in the order in which they are cited."""

    text: str
    sources: tuple[str, ...]


class Answerer(Protocol):
    """`fingerprint` changes when the same chunks would be answered differently."""

    fingerprint: str

    async def answer(self, question: str, found: Sequence[Found]) -> Answer:
        """Raises LlmUnavailableError."""
        ...

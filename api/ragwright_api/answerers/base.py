"""What an answerer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ragwright_api.cost import FREE, Cost
from ragwright_api.retrieval import Retrieved

NOTHING_FOUND = "The documents hold nothing about this."


@dataclass(frozen=True)
class Answer:
    """`sources` are references such as `path#L10-L42`; the text cites the first as [1]. `cost` is
    what models were asked to make it from chunks."""

    text: str
    sources: tuple[str, ...]
    cost: Cost = FREE


class Answerer(Protocol):
    """`fingerprint` changes when the same chunks would be answered differently."""

    fingerprint: str

    async def answer(self, question: str, retrieved: Retrieved) -> Answer:
        """Raises UnansweredError."""
        ...

    async def close(self) -> None: ...

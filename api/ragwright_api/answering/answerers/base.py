"""The interface of an answerer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ragwright_api.retrieval.embedders import Compare
from ragwright_api.telemetry.ledger import FREE, Cost
from ragwright_core.index.search.found import Found

NOTHING_FOUND = "The documents hold nothing about this."


@dataclass(frozen=True)
class Answer:
    """`sources` are references such as `path#L10-L42`; the text cites the first as [1]. `cost`
    counts the calls of models that made the answer from chunks, without tries that failed."""

    text: str
    sources: tuple[str, ...]
    cost: Cost = FREE


# Told of each call of a model when it is made, whatever becomes of it.
Spend = Callable[[Cost], None]


class Answerer(Protocol):
    """`fingerprint` changes when the same chunks would give a different answer."""

    fingerprint: str

    async def answer(
        self, question: str, found: Sequence[Found], compare: Compare, spend: Spend
    ) -> Answer:
        """`found` are the chunks, best first. `compare` computes how near texts are to the
        question. `spend` is told of every call of a model. Raises UnansweredError."""
        ...

    async def close(self) -> None: ...

"""Finds chunks without an answer, for callers who write their own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ragwright_api.answering.admission import Admission
from ragwright_api.caching.breaker import BUDGET_SECONDS, Budget
from ragwright_api.index.lease import LiveReader, LiveVersion
from ragwright_api.retrieval.question import Question
from ragwright_api.retrieval.retrieve import Retrieval
from ragwright_core.index.search.found import Found


@dataclass(frozen=True)
class Chunks:
    """The chunks that were found, best first, their version, and the seconds that it took."""

    found: tuple[Found, ...]
    version: LiveVersion
    seconds: float


@dataclass(frozen=True)
class ChunkSearch:
    """`redis_seconds` is what one question may spend on Redis."""

    reader: LiveReader
    admission: Admission
    retrieval: Retrieval
    redis_seconds: float = BUDGET_SECONDS

    async def find(self, question: Question, head_at: float) -> Chunks:
        """Find the chunks for a question. Raises UnansweredError."""
        began = time.perf_counter()

        async def work(version: LiveVersion) -> Chunks:
            budget = Budget(self.redis_seconds)
            retrieved = await self.retrieval.recall(question, version, budget)
            if retrieved is None:
                async with self.admission.place():
                    retrieved = await self.retrieval.search(question, version, budget)
            return Chunks(retrieved.found, version, time.perf_counter() - began)

        return await self.reader.on_live(head_at, work)

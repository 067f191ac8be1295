"""Makes a new answer: gets a place, then chunks, then asks the answerer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import orjson

from ragwright_api.answering.admission import Admission
from ragwright_api.answering.answerers.base import Answerer
from ragwright_api.answering.reply import Reply
from ragwright_api.caching.breaker import Budget
from ragwright_api.caching.codec import Stored
from ragwright_api.index.lease import LiveVersion
from ragwright_api.retrieval.embedders import Embedders
from ragwright_api.retrieval.question import Question
from ragwright_api.retrieval.retrieve import Retrieval
from ragwright_api.telemetry.metrics import Metrics


@dataclass(frozen=True)
class Maker:
    admission: Admission
    retrieval: Retrieval
    embedders: Embedders
    answerer: Answerer
    metrics: Metrics

    async def make(
        self, question: Question, version: LiveVersion, key: str, budget: Budget
    ) -> Reply:
        """Make the answer that belongs under `key`. Raises UnansweredError or UndefinedTable."""
        arrived = time.perf_counter()
        async with self.admission.place():
            began = time.perf_counter()
            retrieved = await self.retrieval.retrieve(question, version, budget)
            retrieved_at = time.perf_counter()
            embedding = version.descriptor.embedding
            compare = partial(self.embedders.similarities, embedding, retrieved.vector)
            asked, spend = question.text.strip(), self.metrics.ledger.made.add
            answer = await self.answerer.answer(asked, retrieved.found, compare, spend)
            answered_at = time.perf_counter()
        body = orjson.dumps({"answer": answer.text, "sources": list(answer.sources)})
        stored = Stored(body, retrieved.cost + answer.cost)
        seconds = {
            "queue": began - arrived,
            "retrieval": retrieved_at - began,
            "llm": answered_at - retrieved_at,
        }
        self.metrics.llm_seconds.observe(seconds["llm"])
        return Reply(stored, version, key, "made", seconds)

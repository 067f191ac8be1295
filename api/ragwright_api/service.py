"""A question's way: lease, cache, retrieval, answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg

from ragwright_api.answerers.base import Answerer
from ragwright_api.cache import Budget, Cache
from ragwright_api.lease import Lease, LiveReader, LiveVersion
from ragwright_api.metrics import Metrics
from ragwright_api.retrieval import Retrieval
from ragwright_api.singleflight import SingleFlight
from ragwright_core.cachekeys import IndexPoint, normalize_question, response_key
from ragwright_core.model import fingerprint

# Two swaps and a drop may pass under a slow request; more is a fault worth telling.
FRESH_STARTS = 2


class NoVersionError(Exception):
    """Nothing has been swapped in yet."""


class VersionGoneError(Exception):
    """The version's tables went away again and again."""


@dataclass(frozen=True)
class Question:
    """`head_at`: when the request's head was read, in seconds of the lease's clock."""

    text: str
    filters: dict[str, Any]
    use_cache: bool
    head_at: float


@dataclass(frozen=True)
class Reply:
    """A body ready to send, and what it was made from."""

    body: bytes
    from_cache: bool
    version: LiveVersion
    term: int


@dataclass(frozen=True)
class Service:
    """Everything that answering takes. `key` and `clock` are arguments so that tests can show
    what a wrong one would do."""

    schema: str
    reader: LiveReader
    cache: Cache
    retrieval: Retrieval
    answerer: Answerer
    metrics: Metrics
    flights: SingleFlight[bytes]
    top_k: int
    answer_ttl: int
    clock: Callable[[], float]
    key: Callable[..., str] = response_key

    async def ask(self, question: Question) -> Reply:
        """Raises LeaseUnavailableError, NoVersionError, VersionGoneError, one of UNAVAILABLE, or
        an embedding or language model error."""
        began = time.perf_counter()
        budget = Budget()
        head_at = question.head_at
        for _ in range(1 + FRESH_STARTS):
            lease = await self.reader.lease(head_at)
            if lease.version is None:
                raise NoVersionError
            try:
                parts, from_cache = await self._answer(question, lease, lease.version, budget)
            except psycopg.errors.UndefinedTable:
                self.reader.forget()
                head_at = self.clock()
                continue
            return Reply(
                _body(parts, from_cache, time.perf_counter() - began),
                from_cache,
                lease.version,
                lease.term,
            )
        raise VersionGoneError

    async def _answer(
        self, question: Question, lease: Lease, version: LiveVersion, budget: Budget
    ) -> tuple[bytes, bool]:
        key = self._key(question, lease, version)
        if question.use_cache:
            if (cached := await self.cache.get(key, budget)) is not None:
                self.metrics.hits.inc()
                return cached, True
            if self.flights.under_way(key):
                self.metrics.coalesced.inc()
            return await self.flights.run(
                key, lambda: self._compute(question, version, key, budget)
            ), False
        return await self._compute(question, version, key, budget), False

    def _key(self, question: Question, lease: Lease, version: LiveVersion) -> str:
        return self.key(
            IndexPoint(self.schema, version.id, lease.epoch),
            scope="",
            question=question.text,
            filters=question.filters,
            model=fingerprint([self.answerer.fingerprint, self.top_k]),
        )

    async def _compute(
        self, question: Question, version: LiveVersion, key: str, budget: Budget
    ) -> bytes:
        self.metrics.misses.inc()
        text = normalize_question(question.text)
        with self.metrics.retrieval_seconds.time():
            found = await self.retrieval.retrieve(
                version, text, question.filters, self.top_k, budget
            )
        if not found:
            self.metrics.empty.inc()
        with self.metrics.llm_seconds.time():
            answer = await self.answerer.answer(question.text.strip(), found)
        parts = orjson.dumps({"answer": answer.text, "sources": list(answer.sources)})
        await self.cache.put(key, parts, self.answer_ttl, budget)
        return parts


def _body(parts: bytes, from_cache: bool, seconds: float) -> bytes:  # noqa: FBT001
    """The stored object with its last two fields spliced in: a hit is not parsed again."""
    flag = b"true" if from_cache else b"false"
    return b'%s,"from_cache":%s,"latency_ms":%.1f}' % (parts[:-1], flag, seconds * 1000)

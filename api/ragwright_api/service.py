"""A question's way: lease, cache, retrieval, answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from ragwright_api.answerers.base import Answerer
from ragwright_api.cache import BUDGET_SECONDS, Budget, Cache
from ragwright_api.errors import NoVersionError, VersionGoneError
from ragwright_api.lease import Lease, LiveReader, LiveVersion
from ragwright_api.metrics import Metrics
from ragwright_api.retrieval import Retrieval
from ragwright_api.singleflight import SingleFlight
from ragwright_core.cachekeys import IndexPoint, normalize_question, response_key
from ragwright_core.model import fingerprint

# Two swaps and a drop may pass under a slow request; more is a fault worth telling.
FRESH_STARTS = 2


@dataclass(frozen=True)
class Question:
    """`head_at`: when the request's head was read, in seconds of the lease's clock."""

    text: str
    filters: dict[str, Any]
    use_cache: bool
    head_at: float


@dataclass(frozen=True)
class Result:
    """`stored` is a JSON object without the fields that differ from reply to reply."""

    stored: bytes
    from_cache: bool
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """A body ready to send, what it was made from, and the seconds that each part took."""

    body: bytes
    version: LiveVersion
    term: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class Service:
    """Everything that answering takes. `key` and `clock` are arguments so that tests can show
    what a wrong one would do; `redis_seconds` is what one question may spend on Redis."""

    schema: str
    reader: LiveReader
    cache: Cache
    retrieval: Retrieval
    answerer: Answerer
    metrics: Metrics
    top_k: int
    retrieval_fingerprint: str
    answer_ttl: int
    clock: Callable[[], float]
    key: Callable[..., str] = response_key
    redis_seconds: float = BUDGET_SECONDS
    flights: SingleFlight[Result] = field(default_factory=SingleFlight)

    async def ask(self, question: Question) -> Reply:
        """Raises UnansweredError."""
        began = time.perf_counter()
        head_at = question.head_at
        for _ in range(1 + FRESH_STARTS):
            lease = await self.reader.lease(head_at)
            if lease.version is None:
                raise NoVersionError
            try:
                result = await self._under(lease, lease.version, question)
            except psycopg.errors.UndefinedTable:
                self.reader.forget()
                head_at = self.clock()
                continue
            total = time.perf_counter() - began
            return Reply(
                body=_body(result, total),
                version=lease.version,
                term=lease.term,
                seconds={**result.seconds, "total": total},
            )
        raise VersionGoneError

    async def _under(self, lease: Lease, version: LiveVersion, question: Question) -> Result:
        key = self.key(
            IndexPoint(self.schema, version.id, lease.epoch),
            scope="",
            question=question.text,
            filters=question.filters,
            model=fingerprint([self.answerer.fingerprint, self.retrieval_fingerprint]),
        )
        if not question.use_cache:
            return await self._compute(question, version, key, Budget(self.redis_seconds))
        joins = self.flights.under_way(key)
        result = await self.flights.run(key, lambda: self._find(question, version, key))
        self._count(result, joins=joins)
        return result

    async def _find(self, question: Question, version: LiveVersion, key: str) -> Result:
        budget = Budget(self.redis_seconds)
        began = time.perf_counter()
        stored = await self.cache.get(key, budget)
        took = {"cache": time.perf_counter() - began}
        if stored is not None and stored.startswith(b'{"answer":') and stored.endswith(b"}"):
            return Result(stored, from_cache=True, seconds=took)
        computed = await self._compute(question, version, key, budget)
        return Result(computed.stored, from_cache=False, seconds=took | computed.seconds)

    async def _compute(
        self, question: Question, version: LiveVersion, key: str, budget: Budget
    ) -> Result:
        began = time.perf_counter()
        retrieved = await self.retrieval.retrieve(
            version, normalize_question(question.text), question.filters, self.top_k, budget
        )
        retrieved_at = time.perf_counter()
        answer = await self.answerer.answer(question.text.strip(), retrieved)
        answered_at = time.perf_counter()
        stored = orjson.dumps({"answer": answer.text, "sources": list(answer.sources)})
        await self.cache.put(key, stored, self.answer_ttl, budget)
        seconds = {"retrieval": retrieved_at - began, "llm": answered_at - retrieved_at}
        self.metrics.retrieval_seconds.observe(seconds["retrieval"])
        self.metrics.llm_seconds.observe(seconds["llm"])
        self.metrics.empty.inc(not retrieved.found)
        return Result(stored, from_cache=False, seconds=seconds)

    def _count(self, result: Result, *, joins: bool) -> None:
        if result.from_cache:
            self.metrics.hits.inc()
        elif joins:
            self.metrics.coalesced.inc()
        else:
            self.metrics.misses.inc()


def _body(result: Result, seconds: float) -> bytes:
    """The stored object with its last two fields spliced in: a hit is not parsed again."""
    flag = b"true" if result.from_cache else b"false"
    return b'%s,"from_cache":%s,"latency_ms":%.1f}' % (result.stored[:-1], flag, seconds * 1000)

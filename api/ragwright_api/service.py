"""A question's way: lease, cache, retrieval, answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import orjson
import psycopg

from ragwright_api.admission import Admission
from ragwright_api.answerers.base import Answerer
from ragwright_api.budget import BUDGET_SECONDS, Budget
from ragwright_api.cache import Cache
from ragwright_api.errors import LeaseUnavailableError, NoVersionError, VersionGoneError
from ragwright_api.lease import Lease, LiveReader, LiveVersion
from ragwright_api.memory import Memory, Remembered
from ragwright_api.metrics import Metrics
from ragwright_api.replies import Chunks, Question, Reply, Result, chunk_fields
from ragwright_api.retrieval import Retrieval, Retrieved, Wanted
from ragwright_api.singleflight import SingleFlight
from ragwright_api.stored import Stored, decoded
from ragwright_core.cachekeys import IndexPoint, normalize_question, response_key
from ragwright_core.filters import canonical
from ragwright_core.model import fingerprint
from ragwright_core.spec import Load
from ragwright_core.spec import Retrieval as RetrievalSettings

# Two swaps and a drop may pass under a slow request; more is a fault worth telling.
FRESH_STARTS = 2


Made = TypeVar("Made")
Compute = Callable[[], Awaitable[Result]]
TakeTurns = Callable[[str, Compute, Budget], Awaitable[Result | bytes]]


async def alone(_: str, compute: Compute, __: Budget) -> Result:
    """No turns to take: there is no other replica."""
    return await compute()


@dataclass(frozen=True)
class Service:
    """Everything that answering takes. `key` and `clock` are arguments so that tests can show
    what a wrong one would do; `redis_seconds` is what one question may spend on Redis; while
    `closed` holds, nothing is cached; `stale_if_error` is for how many seconds an answer of the
    last known version may stand in while the primary is away."""

    schema: str
    reader: LiveReader
    cache: Cache
    retrieval: Retrieval
    answerer: Answerer
    metrics: Metrics
    searching: RetrievalSettings
    answer_ttl: int
    clock: Callable[[], float]
    memory: Memory = field(default_factory=lambda: Memory(0))
    admission: Admission = field(default_factory=lambda: Admission(Load()))
    turns: TakeTurns = alone
    closed: Callable[[], bool] = lambda: False
    stale_if_error: float = 0
    key: Callable[..., str] = response_key
    redis_seconds: float = BUDGET_SECONDS
    flights: SingleFlight[Result] = field(default_factory=SingleFlight)

    @cached_property
    def model(self) -> str:
        """The fingerprint of prompt, language model and retrieval: part of every answer's key."""
        return fingerprint([self.answerer.fingerprint, self.searching.model_dump()])

    async def ask(self, question: Question) -> Reply:
        """Raises UnansweredError."""
        began = time.perf_counter()
        try:
            return await self._ask(question, began)
        except LeaseUnavailableError:
            if (reply := await self._ask_last_known(question, began)) is None:
                raise
            return reply

    async def cached(
        self, question: Question, lease: Lease, version: LiveVersion, budget: Budget
    ) -> Reply | None:
        """The answer that stands in Redis, if there is one."""
        began = time.perf_counter()
        key = self._key(question, lease, version)
        if (stored := await self._stored(key, budget)) is None:
            return None
        took = time.perf_counter() - began
        return Reply(Result(stored, from_cache=True), lease, key, {"cache": took, "total": took})

    async def remember(self, question: Question, reply: Reply) -> None:
        """Keep a reply in this process, for as long as it lives in Redis."""
        version = reply.lease.version
        if not question.use_cache or reply.stale_seconds or self.closed() or version is None:
            return
        if not self.memory.has_room:
            return
        lives: float = self.answer_ttl
        if reply.result.from_cache:
            lives = await self.cache.seconds_left(reply.key, Budget(self.redis_seconds))
        headers = tuple((name.encode(), value.encode()) for name, value in reply.headers)
        point = IndexPoint(self.schema, version.id, reply.lease.epoch)
        kept = Remembered(question.request, reply.result.stored, headers, lives)
        self.memory.put(point, kept)

    async def find(self, wanted: Wanted, head_at: float) -> Chunks:
        """The chunks alone. Raises UnansweredError."""
        began = time.perf_counter()

        async def work(lease: Lease, _: LiveVersion) -> Chunks:
            async with self.admission.place():
                budget = Budget(self.redis_seconds)
                retrieved = await self._retrieve(lease, wanted, budget)
            body = orjson.dumps({"chunks": [chunk_fields(item) for item in retrieved.found]})
            return Chunks(body, lease, {"total": time.perf_counter() - began})

        return await self._on_live(head_at, work)

    async def _ask(self, question: Question, began: float) -> Reply:
        async def work(lease: Lease, version: LiveVersion) -> Reply:
            key = self._key(question, lease, version)
            result = await self._under(lease, question, key)
            total = time.perf_counter() - began
            return Reply(result, lease, key, {**result.seconds, "total": total})

        return await self._on_live(question.head_at, work)

    async def _on_live(
        self, head_at: float, work: Callable[[Lease, LiveVersion], Awaitable[Made]]
    ) -> Made:
        """`work` on the version that is live, begun anew where its tables have been dropped."""
        for _ in range(1 + FRESH_STARTS):
            lease = await self.reader.lease(head_at)
            if lease.version is None:
                raise NoVersionError
            try:
                return await work(lease, lease.version)
            except psycopg.errors.UndefinedTable:
                self.reader.forget()
                head_at = self.clock()
        raise VersionGoneError

    async def _ask_last_known(self, question: Question, began: float) -> Reply | None:
        """A cached answer of the version that was live when the primary was last heard of."""
        last = self.reader.last(self.stale_if_error)
        if last is None or last.version is None or not question.use_cache:
            return None
        key = self._key(question, last, last.version)
        point = IndexPoint(self.schema, last.version.id, last.epoch)
        remembered = self.memory.get(point, question.request)
        budget = Budget(self.redis_seconds)
        stored = remembered.stored if remembered else await self._stored(key, budget)
        if stored is None:
            return None
        self.metrics.stale.inc()
        self.metrics.ledger.saved.add(stored.cost)
        return Reply(
            Result(stored, from_cache=True),
            last,
            key,
            {"total": time.perf_counter() - began},
            stale_seconds=self.clock() - last.sent_at,
        )

    async def _stored(self, key: str, budget: Budget) -> Stored | None:
        raw = await self.cache.get(key, budget)
        return None if raw is None else decoded(raw)

    def _key(self, question: Question, lease: Lease, version: LiveVersion) -> str:
        return self.key(
            IndexPoint(self.schema, version.id, lease.epoch),
            scope="",
            question=question.text,
            filters=canonical(question.filters),
            model=self.model,
        )

    async def _under(self, lease: Lease, question: Question, key: str) -> Result:
        if not question.use_cache:
            return await self._compute(question, lease, key, Budget(self.redis_seconds))
        joins = self.flights.under_way(key)
        result = await self.flights.run(key, lambda: self._find(question, lease, key))
        self._count(result, lease, joins=joins)
        return result

    async def _find(self, question: Question, lease: Lease, key: str) -> Result:
        budget = question.budget or Budget(self.redis_seconds)
        began = time.perf_counter()
        stored = None if question.budget else await self._stored(key, budget)
        took = {"cache": time.perf_counter() - began}
        if stored is not None:
            return Result(stored, from_cache=True, seconds=took)
        made = await self.turns(key, lambda: self._compute(question, lease, key, budget), budget)
        if isinstance(made, bytes):
            if (theirs := decoded(made)) is not None:
                took["waited"] = time.perf_counter() - began - took["cache"]
                return Result(theirs, from_cache=True, shared=True, seconds=took)
            made = await self._compute(question, lease, key, budget)
        return replace(made, seconds=took | made.seconds)

    async def _compute(self, question: Question, lease: Lease, key: str, budget: Budget) -> Result:
        arrived = time.perf_counter()
        top_k, threshold = self.searching.top_k, self.searching.score_threshold
        wanted = Wanted(normalize_question(question.text), question.filters, top_k, threshold)
        async with self.admission.place():
            began = time.perf_counter()
            retrieved = await self._retrieve(lease, wanted, budget, use_cache=question.use_cache)
            retrieved_at = time.perf_counter()
            answer = await self.answerer.answer(question.text.strip(), retrieved)
            answered_at = time.perf_counter()
        body = orjson.dumps({"answer": answer.text, "sources": list(answer.sources)})
        stored = Stored(body, retrieved.cost + answer.cost)
        await self.cache.put(key, stored.encoded(), self.answer_ttl, budget)
        seconds = {"retrieval": retrieved_at - began, "llm": answered_at - retrieved_at}
        self.metrics.llm_seconds.observe(seconds["llm"])
        self.metrics.ledger.made.add(answer.cost)
        return Result(stored, from_cache=False, seconds={"queue": began - arrived, **seconds})

    async def _retrieve(
        self, lease: Lease, wanted: Wanted, budget: Budget, *, use_cache: bool = True
    ) -> Retrieved:
        began = time.perf_counter()
        retrieved = await self.retrieval.retrieve(lease, wanted, budget, use_cache=use_cache)
        self.metrics.retrieval_seconds.observe(time.perf_counter() - began)
        self.metrics.empty.inc(not retrieved.found)
        self.metrics.ledger.made.add(retrieved.made)
        self.metrics.ledger.saved.add(retrieved.saved)
        return retrieved

    def _count(self, result: Result, lease: Lease, *, joins: bool) -> None:
        assert lease.version is not None, "no answer without a version"
        version = lease.version.number
        if result.from_cache and not result.shared:
            self.metrics.hit(version, result.stored.cost)
        elif result.shared or joins:
            self.metrics.coalesced.inc()
            self.metrics.ledger.saved.add(result.stored.cost)
        else:
            self.metrics.lookups.of(version).misses += 1

"""Answers a question: finds the live version, and a known answer or else the one to compute."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ragwright_api.answering.fast_path import Missed
from ragwright_api.answering.known import KnownAnswers
from ragwright_api.answering.make import Maker
from ragwright_api.answering.reply import Reply
from ragwright_api.caching.codec import decode_answer
from ragwright_api.index.lease import LiveReader, LiveVersion
from ragwright_api.tasks.singleflight import SingleFlight
from ragwright_api.telemetry.metrics import Metrics
from ragwright_api.unanswered import LeaseUnavailableError

Compute = Callable[[], Awaitable[Reply]]
Store = Callable[[Reply], Awaitable[None]]
TakeTurns = Callable[[str, Compute, Store], Awaitable[Reply | bytes]]


async def alone(_: str, compute: Compute, store: Store) -> Reply:
    """Compute without taking a turn, because there is no other replica."""
    made = await compute()
    await store(made)
    return made


@dataclass(frozen=True)
class Ask:
    """Answers questions that the fast path has missed. `stale_if_error` is for how many seconds an
    answer of the last known version may be used while the primary is away."""

    reader: LiveReader
    known: KnownAnswers
    maker: Maker
    metrics: Metrics
    turns: TakeTurns = alone
    stale_if_error: float = 0
    flights: SingleFlight[Reply] = field(default_factory=SingleFlight)

    async def answer(self, missed: Missed) -> Reply:
        """Find an answer, or make it. Raises UnansweredError."""
        began = time.perf_counter()

        async def work(version: LiveVersion) -> Reply:
            return await self._on(version, missed)

        try:
            reply = await self.reader.on_live(missed.head_at, work)
        except LeaseUnavailableError:
            if (stale := await self._of_last_known(missed)) is None:
                raise
            reply = stale
        total = {"total": time.perf_counter() - began}
        return replace(reply, seconds={**reply.seconds, **total})

    async def _on(self, version: LiveVersion, missed: Missed) -> Reply:
        question, key = missed.question, self.known.key_of(missed.question, version)
        if not question.use_cache:
            made = await self.maker.make(question, version, key, missed.budget)
            self.known.store(made)
            return made
        joins = self.flights.under_way(key)
        reply = await self.flights.run(key, lambda: self._find(version, missed, key))
        self._count(reply, joins=joins)
        # A question that joins may know of a later term under which the same version is live.
        return replace(reply, version=version)

    async def _find(self, version: LiveVersion, missed: Missed, key: str) -> Reply:
        began, budget = time.perf_counter(), missed.budget
        stored = None if key == missed.looked_at else await self.known.find(key, version, budget)
        took = {"cache": time.perf_counter() - began}
        if stored is not None:
            return Reply(stored, version, key, "cached", took)

        async def make() -> Reply:
            return await self.maker.make(missed.question, version, key, budget)

        made = await self.turns(key, make, self.known.store)
        if isinstance(made, bytes):
            if (theirs := decode_answer(made)) is not None:
                took["waited"] = time.perf_counter() - began - took["cache"]
                return Reply(theirs, version, key, "another replica", took)
            made = await make()
            self.known.store(made)
        return replace(made, seconds={**took, **made.seconds})

    async def _of_last_known(self, missed: Missed) -> Reply | None:
        """A cached answer of the version that was live when the primary last answered."""
        last = self.reader.last(self.stale_if_error)
        if last is None or last.version is None or not missed.question.use_cache:
            return None
        key = self.known.key_of(missed.question, last.version)
        stored = await self.known.find(key, last.version, self.known.budget())
        if stored is None:
            return None
        self.metrics.stale.inc()
        self.metrics.ledger.saved.add(stored.cost)
        age = self.reader.age(last)
        return Reply(stored, last.version, key, "cached", stale_seconds=age)

    def _count(self, reply: Reply, *, joins: bool) -> None:
        version, cost = reply.version.number, reply.stored.cost
        if reply.origin == "cached":
            self.metrics.hit(version, cost)
        elif reply.origin == "another replica" or joins:
            self.metrics.coalesced.inc()
            self.metrics.ledger.saved.add(cost)
        else:
            self.metrics.lookups.of(version).misses += 1

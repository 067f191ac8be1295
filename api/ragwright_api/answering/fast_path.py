"""The shortest way to an answer: it looks in this process's memory and in Redis, and no further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ragwright_api.answering.known import KnownAnswers
from ragwright_api.answering.reply import Reply
from ragwright_api.caching.breaker import Budget
from ragwright_api.index.lease import LiveReader, LiveVersion
from ragwright_api.retrieval.question import Question
from ragwright_api.telemetry.metrics import Metrics


@dataclass(frozen=True)
class Missed:
    """A question without an answer yet, with the time when its head was read, and what is left of
    its time for Redis. `looked_at` is the key that Redis was asked for, or None."""

    question: Question
    head_at: float
    budget: Budget
    looked_at: str | None = None


@dataclass(frozen=True)
class FastPath:
    """Finds an answer only if a lease is known already, because it does not wait for one. Finds
    nothing while `draining` holds, when callers should move to another replica."""

    reader: LiveReader
    known: KnownAnswers
    metrics: Metrics
    draining: Callable[[], bool] = lambda: False

    def recall(self, body: bytes, head_at: float) -> Reply | None:
        """The reply to an identical body, which is found without parsing the body."""
        version = self._version(head_at)
        reply = self.known.recall(body, version) if version else None
        if reply is not None:
            self.metrics.hit(reply.version.number, reply.stored.cost)
        return reply

    async def look_up(self, question: Question, head_at: float) -> Reply | Missed:
        budget, version = self.known.budget(), self._version(head_at)
        if version is None or not question.use_cache:
            return Missed(question, head_at, budget)
        key = self.known.key_of(question, version)
        stored = await self.known.find(key, version, budget)
        if stored is None:
            return Missed(question, head_at, budget, key)
        self.metrics.hit(version.number, stored.cost)
        return Reply(stored, version, key, "cached")

    def _version(self, head_at: float) -> LiveVersion | None:
        lease = None if self.draining() else self.reader.known(head_at)
        return lease.version if lease else None

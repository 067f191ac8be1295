"""Answers that were made before. This process's memory finds them by body and by key, Redis by
key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ragwright_api.answering.reply import Reply
from ragwright_api.caching.breaker import BUDGET_SECONDS, Budget
from ragwright_api.caching.codec import ANSWER_MARK, Stored, decode_answer, encode_answer
from ragwright_api.caching.memory import Memory
from ragwright_api.caching.redis import Cache
from ragwright_api.index.lease import LiveVersion
from ragwright_api.retrieval.question import Question
from ragwright_api.tasks.singleflight import SingleFlight
from ragwright_core.cachekeys import IndexPoint, response_key
from ragwright_core.filters import canonical
from ragwright_core.model import fingerprint
from ragwright_core.spec import Retrieval


def model_of(answerer: str, retrieval: Retrieval) -> str:
    """The fingerprint of prompt, language model and retrieval: part of every answer's key."""
    return fingerprint([answerer, retrieval.model_dump(), ANSWER_MARK])


@dataclass(frozen=True)
class KnownAnswers:
    """`ttl` is how many seconds an answer lives; `redis_seconds` is the time that one question may
    spend on Redis. While `closed` holds, nothing is found or kept. `key` is an argument so that
    tests can show the effect of a wrong key."""

    schema: str
    cache: Cache
    memory: Memory[Reply]
    model: str
    ttl: int
    closed: Callable[[], bool] = lambda: False
    redis_seconds: float = BUDGET_SECONDS
    key: Callable[..., str] = response_key
    asking: SingleFlight[float] = field(default_factory=SingleFlight)

    def budget(self) -> Budget:
        return Budget(self.redis_seconds)

    def key_of(self, question: Question, version: LiveVersion) -> str:
        return self.key(
            self._point(version),
            scope="",
            question=question.text,
            filters=canonical(question.wanted.filters),
            model=self.model,
        )

    def recall(self, request: bytes | str, version: LiveVersion) -> Reply | None:
        """The reply to an identical body, or under a key, from this process's memory."""
        return None if self.closed() else self.memory.get(self._point(version), request)

    async def find(self, key: str, version: LiveVersion, budget: Budget) -> Stored | None:
        """The answer from this process's memory, else from Redis."""
        if (remembered := self.recall(key, version)) is not None:
            return remembered.stored
        raw = await self.cache.get(key, budget)
        return None if raw is None else decode_answer(raw)

    def store(self, reply: Reply) -> asyncio.Task[None]:
        """Store an answer in the background."""
        return self.cache.keep(reply.key, encode_answer(reply.stored), self.ttl)

    async def remember(self, body: bytes, reply: Reply) -> None:
        """Keep a reply in this process, for as long as its answer lives in Redis."""
        if reply.stale_seconds is not None or self.closed() or not self.memory.has_room:
            return
        lives = await self._seconds_left(reply)
        kept = replace(reply, origin="cached", seconds={})
        size = len(reply.stored.body)
        for request in (body, reply.key):
            self.memory.put(self._point(reply.version), request, kept, size=size, lives=lives)

    async def _seconds_left(self, reply: Reply) -> float:
        """How long the answer will live. A crowd that waited for one answer asks Redis once."""
        if not reply.from_cache:
            return self.ttl
        known = self.memory.seconds_left(self._point(reply.version), reply.key)
        if known is not None:
            return known
        return await self.asking.run(
            reply.key, lambda: self.cache.seconds_left(reply.key, self.budget())
        )

    def _point(self, version: LiveVersion) -> IndexPoint:
        return IndexPoint(self.schema, version.id, version.epoch)

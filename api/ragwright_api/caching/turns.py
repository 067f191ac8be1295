"""One computation per question across replicas: the replica that has the turn computes, and others
wait for the value that it stores. Redis keeps the turn; without Redis each process computes."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ragwright_api.caching.breaker import BUDGET_SECONDS, STORE_SECONDS, Budget
from ragwright_api.caching.redis import Cache
from ragwright_api.tasks.background import Background

Result = TypeVar("Result")
End = Callable[[], Coroutine[Any, Any, None]]

# A replica that dies holds its turn for this time, and equal questions wait for it: with 5 s, ten
# of 100,000 questions took longer than 5 s (make soak).
TURN_SECONDS = 2.0
# Longer than an answer takes, apart from what a language model takes. After this, each process
# computes the answer by itself.
WAIT_SECONDS = 30.0
# A call about a turn may take this many times a question's budget, which is half a second.
PATIENCE = 10
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25


@dataclass(frozen=True)
class Turns:
    """`seconds` is the time limit of one call about a turn. It is long, and apart from the time
    for reads, because a turn saves seconds of a language model. `wait_seconds` is the longest wait
    for an answer of another replica, by `clock`, the calls about the turn included. `pause`
    waits."""

    cache: Cache
    seconds: float = PATIENCE * BUDGET_SECONDS
    wait_seconds: float = WAIT_SECONDS
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    renewing: Background = field(default_factory=Background)
    ending: Background = field(default_factory=Background)

    async def run(
        self,
        key: str,
        compute: Callable[[], Awaitable[Result]],
        store: Callable[[Result], Awaitable[None]],
    ) -> Result | bytes:
        """The result of `compute`, or the value that another replica stored under `key` meanwhile.
        `store` is awaited in the background, and the turn ends after it."""
        owner = uuid.uuid4().hex
        found = await self._take(key, owner)
        if isinstance(found, bytes):
            return found
        end = self._keep(key, owner) if found else None
        try:
            made = await compute()
        except BaseException:
            if end is not None:
                self.ending.start(end())
            raise
        self.ending.start(_in_turn(store(made), end))
        return made

    async def _take(self, key: str, owner: str) -> bytes | bool:
        """The value if there is one by now, else whether the turn is ours. It is not where Redis
        does not answer, or another replica takes too long."""
        ends_at, pause = self.clock() + self.wait_seconds, _SHORTEST_PAUSE
        while (left := ends_at - self.clock()) > 0:
            found = await self.cache.take_turn(key, owner, TURN_SECONDS, Budget(self.seconds))
            if found is None or found:
                return found or False
            await self.pause(min(left, random.uniform(0.5, 1.0) * pause))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return False

    def _keep(self, key: str, owner: str) -> End:
        """Keep the turn until the function that is returned is called."""
        renewing = self.renewing.start(self._renew(key, owner))

        async def end() -> None:
            renewing.cancel()
            await self.cache.end_turn(key, owner, Budget(self.seconds))

        return end

    async def _renew(self, key: str, owner: str) -> None:
        while True:
            await self.pause(TURN_SECONDS / 3)
            await self.cache.keep_turn(key, owner, TURN_SECONDS, Budget(self.seconds))

    async def close(self) -> None:
        await self.ending.close(STORE_SECONDS + self.seconds)
        await self.renewing.close()


async def _in_turn(stored: Awaitable[None], end: End | None) -> None:
    """End a turn when its value is stored, so that whoever waits for it finds it."""
    try:
        await stored
    finally:
        if end is not None:
            await end()

"""One computation per question across replicas: whoever has the turn computes, others wait for
what it stores. Redis keeps the turn; without Redis each process computes for itself."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from ragwright_api.background import Background
from ragwright_api.budget import BUDGET_SECONDS, Budget
from ragwright_api.cache import Cache

Result = TypeVar("Result")

# A replica that dies holds its turn no longer than this, and equal questions wait for it: with 5 s
# ten of 100,000 took longer than 5 s (make soak).
TURN_SECONDS = 2.0
# Longer than a language model takes; then everyone computes for himself.
WAIT_SECONDS = 30.0
# Times the budget of a question: a second.
PATIENCE = 20
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25


@dataclass(frozen=True)
class Turns:
    """`seconds` is what one call about a turn may take: Redis has just answered, and what a turn
    saves takes a language model seconds. `pause` waits."""

    cache: Cache
    seconds: float = PATIENCE * BUDGET_SECONDS
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    background: Background = field(default_factory=Background)

    async def run(
        self, key: str, compute: Callable[[], Awaitable[Result]], budget: Budget
    ) -> Result | bytes:
        """What `compute` gives, or what another replica has stored under `key` meanwhile. Where
        `budget` is spent, Redis does not answer, and is not asked."""
        owner, waited, pause = uuid.uuid4().hex, 0.0, _SHORTEST_PAUSE
        while waited < WAIT_SECONDS and budget.seconds > 0:
            found = await self.cache.take_turn(key, owner, TURN_SECONDS, Budget(self.seconds))
            if isinstance(found, bytes):
                return found
            if found is None:
                return await compute()
            if found:
                break
            step = random.uniform(0.5, 1.0) * pause
            await self.pause(step)
            waited, pause = waited + step, min(pause * 1.5, _LONGEST_PAUSE)
        else:
            return await compute()
        async with self._holding(key, owner):
            return await compute()

    @asynccontextmanager
    async def _holding(self, key: str, owner: str) -> AsyncIterator[None]:
        """Keep the turn while the block runs; give it up at its end, however it ends."""
        renewing = self.background.start(self._renew(key, owner))
        try:
            yield
        finally:
            renewing.cancel()
            self.background.start(self.cache.end_turn(key, owner, Budget(self.seconds)))

    async def _renew(self, key: str, owner: str) -> None:
        while True:
            await self.pause(TURN_SECONDS / 3)
            await self.cache.keep_turn(key, owner, TURN_SECONDS, Budget(self.seconds))

    async def close(self) -> None:
        await self.background.close()

"""A pipeline's lasting sums of calls, which outlive pods and Redis: they stand in its schema."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from ragwright_api.cost import Ledger

SETTLE_SECONDS = 60.0

# Adds calls made and calls saved; says whether they stand there now.
Write = Callable[[int, int], Awaitable[bool]]


class Account:
    """Adds what this process has counted, once a minute and when it ends. What could not be written
    is written with the next; a process that is killed takes its last minute with it."""

    def __init__(
        self,
        ledger: Ledger,
        write: Write,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._write = write
        self._pause = pause
        self._settled = (0, 0)

    async def settle(self) -> None:
        now = (self._ledger.made.calls, self._ledger.saved.calls)
        made, saved = (new - old for new, old in zip(now, self._settled, strict=True))
        if (made or saved) and await self._write(made, saved):
            self._settled = now

    async def keep(self) -> None:
        """Runs until cancelled."""
        while True:
            await self._pause(SETTLE_SECONDS * random.uniform(0.8, 1.2))
            await self.settle()

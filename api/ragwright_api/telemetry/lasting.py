"""A pipeline's lasting sums of calls, which are stored in its schema and outlive pods and Redis."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from ragwright_api.telemetry.ledger import Ledger

SETTLE_SECONDS = 60.0

# Adds calls made and calls saved, and returns whether that succeeded.
Write = Callable[[int, int], Awaitable[bool]]


class LastingSums:
    """Adds the counts of this process, once a minute and when it ends. Counts that could not be
    written are written the next time. A process that is killed loses its last minute."""

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
        """Add the counts regularly until cancelled."""
        while True:
            await self._pause(SETTLE_SECONDS * random.uniform(0.8, 1.2))
            await self.settle()

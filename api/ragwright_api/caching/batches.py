"""Sends reads that are wanted at the same time to Redis together, as one MGET.

A GET through redis-py costs 0.2 ms of this process's only thread. While a batch is under way, the
next batch gathers, so that many callers share this cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ragwright_api.tasks.background import Background

Values = Sequence[bytes | None]
# Returns None if Redis did not answer within the given seconds.
Fetch = Callable[[list[str], float], Awaitable[Values | None]]
_Wanted = tuple[str, float, "asyncio.Future[bytes | None]"]


class Batches:
    """A caller that is cancelled leaves its batch, which goes on for the others."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._wanted: list[_Wanted] = []
        self._background = Background()
        self._is_running = False

    async def get(self, key: str, seconds: float) -> bytes | None:
        """The value of `key`, or None if it does not exist or does not arrive within `seconds`."""
        future: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((key, seconds, future))
        if not self._is_running:
            self._is_running = True
            self._background.start(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._wanted:
                await self._run_one()
        finally:
            self._is_running = False
            _settle(self._wanted, [None] * len(self._wanted))

    async def _run_one(self) -> None:
        batch, self._wanted = self._wanted, []
        values: Values | None = None
        try:
            keys = [key for key, _, _ in batch]
            values = await self._fetch(keys, max(seconds for _, seconds, _ in batch))
        finally:
            if values is None:
                # Callers who came meanwhile wait for the same Redis, and get the same result.
                batch, self._wanted = batch + self._wanted, []
            _settle(batch, values or [None] * len(batch))

    async def close(self) -> None:
        await self._background.close()


def _settle(batch: list[_Wanted], values: Values) -> None:
    for (_, _, future), value in zip(batch, values, strict=True):
        if not future.done():
            future.set_result(value)

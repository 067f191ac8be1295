"""`invalidate-cache`: after it has returned, no older answer is served by any process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ragwright_api.background import Background
from ragwright_api.lease import LEASE_SECONDS, LiveReader

APART_SECONDS = 1.0


class Invalidation:
    """Raises the epoch at most once a second, however often it is asked to."""

    def __init__(
        self,
        raise_epoch: Callable[[], Awaitable[None]],
        reader: LiveReader,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._raise_epoch = raise_epoch
        self._reader = reader
        self._clock = clock
        self._pause = pause
        self._background = Background()
        self._next: asyncio.Task[None] | None = None
        self._raised_at = float("-inf")

    async def __call__(self) -> None:
        """Calls that come before the next raise share it. Raises DatabaseUnavailableError."""
        if self._next is None:
            self._next = self._background.start(self._raise())
        await asyncio.shield(self._next)

    async def _raise(self) -> None:
        await self._pause(max(0.0, self._raised_at + APART_SECONDS - self._clock()))
        self._next = None  # who comes from here on may have seen answers newer than this raise
        self._raised_at = self._clock()
        await self._raise_epoch()
        self._reader.forget()
        # Other processes may believe the old epoch for one lease; then none does.
        await self._pause(LEASE_SECONDS)

    async def close(self) -> None:
        await self._background.close()

"""Removes from Redis what invalidate-cache has made unfindable. It is done to free memory, and so
that texts which were deleted do not stay until they expire; no answer depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ragwright_api.caching.redis import Cache
from ragwright_core import cachekeys

# Steps of a scan, with pauses between them so that questions are not kept waiting. A Redis with
# more keys, which belong to others, is not walked to its end: what is left expires.
_KEYS_PER_STEP = 500
_MOST_STEPS = 20_000
_PAUSE_SECONDS = 0.005


@dataclass(frozen=True)
class Leftovers:
    """`epoch` reads the epoch that is valid now."""

    cache: Cache
    schema: str
    epoch: Callable[[], Awaitable[int]]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def remove(self) -> None:
        epoch = await self.epoch()
        for pattern in cachekeys.patterns(self.schema):
            await self._remove(pattern, epoch)

    async def _remove(self, pattern: str, epoch: int) -> None:
        cursor = 0
        for _ in range(_MOST_STEPS):
            found = await self.cache.scan(cursor, pattern, _KEYS_PER_STEP)
            if found is None:  # Redis does not answer
                return
            cursor, keys = found
            if old := [key for key in keys if _is_older(key, epoch)]:
                await self.cache.unlink(old)
            if cursor == 0:
                return
            await self.pause(_PAUSE_SECONDS)


def _is_older(key: str, epoch: int) -> bool:
    own = cachekeys.epoch_of(key)
    return own is not None and own < epoch

"""`invalidate-cache`: after it has returned, no process serves an older answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from ragwright_api.index.lease import LiveReader
from ragwright_api.tasks.background import Background
from ragwright_api.unanswered import TooOftenError
from ragwright_core.contract import LEASE_SECONDS

APART_SECONDS = 1.0
# For callers that nobody knows. Each call makes every pod compute every answer once more.
STRANGERS_APART_SECONDS = 60.0


class Epoch(Protocol):
    async def raise_epoch(self) -> None: ...

    async def raise_epoch_if_due(self, apart: float) -> float | None:
        """Raise it unless that was done less than `apart` seconds ago, by whatever replica.
        Returns the seconds to wait, or None where the schema cannot tell."""
        ...


class Invalidation:
    """Raises the epoch at most once per second, however often it is called."""

    def __init__(
        self,
        epoch: Epoch,
        reader: LiveReader,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        remove_old: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """`remove_old` removes what is not found any more; it is run in the background."""
        self._epoch = epoch
        self._reader = reader
        self._clock = clock
        self._pause = pause
        self._remove_old = remove_old
        self._background = Background()
        self._next: asyncio.Task[None] | None = None
        self._strangers: asyncio.Task[None] | None = None
        self._raised_at = float("-inf")

    async def __call__(self) -> None:
        """Calls that come before the next raise share it. Raises DatabaseUnavailableError."""
        if self._next is None:
            self._next = self._background.start(self._raise())
        await asyncio.shield(self._next)

    async def for_a_stranger(self) -> None:
        """At most once a minute over all replicas; calls that come before the raise share it.
        Raises TooOftenError, as a call that does nothing must not look like one that did, and
        DatabaseUnavailableError."""
        if self._strangers is None:
            self._strangers = self._background.start(self._raise_for_strangers())
        await asyncio.shield(self._strangers)

    async def _raise_for_strangers(self) -> None:
        try:
            waits = await self._epoch.raise_epoch_if_due(STRANGERS_APART_SECONDS)
        finally:
            self._strangers = None
        if waits is None:
            waits = self._raised_at + STRANGERS_APART_SECONDS - self._clock()
            if waits <= 0:
                await self()
                return
        if waits > 0:
            raise TooOftenError(math.ceil(waits))
        await self._until_no_process_is_behind()

    async def _raise(self) -> None:
        await self._pause(max(0.0, self._raised_at + APART_SECONDS - self._clock()))
        self._next = None  # later callers may have seen newer answers, and need another raise
        self._raised_at = self._clock()
        await self._epoch.raise_epoch()
        await self._until_no_process_is_behind()

    async def _until_no_process_is_behind(self) -> None:
        self._reader.forget()
        # Other processes may use the old epoch for one lease, and then none does.
        await self._pause(LEASE_SECONDS)
        if self._remove_old is not None:
            self._background.start(self._remove_old())

    async def close(self) -> None:
        await self._background.close()

"""Limits how many questions are computed at once. Others wait for a while, or are refused."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ragwright_api.unanswered import TooBusyError
from ragwright_core.spec import Load

WAIT_SECONDS = 10.0
# Weight of the last question in the mean from which Retry-After is computed.
_LAST = 0.1
_LONGEST_RETRY = 60


class Admission:
    """A place for each question that is computed, and a queue for those that wait for one."""

    def __init__(
        self,
        load: Load,
        clock: Callable[[], float] = time.monotonic,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._load = load
        self._places = asyncio.Semaphore(load.in_flight)
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._mean_seconds = 1.0
        self.in_flight = 0
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place. Raises TooBusyError when the queue is full, or after 10 s in it."""
        await self._take()
        self.in_flight += 1
        began = self._clock()
        try:
            yield
        finally:
            self.in_flight -= 1
            self._places.release()
            took = self._clock() - began
            self._mean_seconds += _LAST * (took - self._mean_seconds)

    async def _take(self) -> None:
        if self._places.locked() and self.waiting >= self._load.queue:
            raise TooBusyError(self._retry_after())
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise TooBusyError(self._retry_after()) from None
        finally:
            self.waiting -= 1

    def _retry_after(self) -> int:
        """Seconds until the questions before this one have probably been answered."""
        ahead = self.waiting + 1
        seconds = math.ceil(ahead * self._mean_seconds / self._load.in_flight)
        return min(max(seconds, 1), _LONGEST_RETRY)

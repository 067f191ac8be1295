"""What is live, and for how long this process may believe it (design section 6).

The `live` row on the primary is the only truth. A read of it is good for a request if it was sent
less than one lease before the request's head was read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ragwright_core.index.descriptor import Descriptor

LEASE_SECONDS = 1.0
READ_DEADLINE_SECONDS = 2.0
REFRESH_SECONDS = 0.4
# Without a question for this long, nothing is refreshed.
IDLE_SECONDS = 5.0


class LeaseUnavailableError(Exception):
    """The primary did not say in time which version is live."""


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def covers(sent_at: float, head_at: float) -> bool:
    """Whether knowledge read at `sent_at` is good for a request whose head came at `head_at`."""
    return sent_at > head_at - LEASE_SECONDS


@dataclass(frozen=True)
class LiveVersion:
    """The version that answers questions."""

    number: int
    id: str
    descriptor: Descriptor


@dataclass(frozen=True)
class Lease:
    """One read of the pointer. `version` is None before the first swap."""

    version: LiveVersion | None
    term: int
    epoch: int
    sent_at: float = 0.0


Read = Callable[[], Awaitable[Lease]]


class LiveReader:
    """Reads the pointer for many requests at once; `clock` gives seconds."""

    def __init__(self, read: Read, clock: Callable[[], float] = boot_clock) -> None:
        self._read = read
        self._clock = clock
        self._known: Lease | None = None
        self._reading: tuple[float, asyncio.Task[Lease]] | None = None
        self._asked_at = clock() - IDLE_SECONDS

    @property
    def confirmed(self) -> bool:
        """Whether the pointer has been read at least once."""
        return self._known is not None

    async def lease(self, head_at: float) -> Lease:
        """A lease that covers a request whose head came at `head_at`.

        Raises LeaseUnavailableError after READ_DEADLINE_SECONDS.
        """
        self._asked_at = self._clock()
        if self._known is not None and covers(self._known.sent_at, head_at):
            return self._known
        try:
            async with asyncio.timeout(READ_DEADLINE_SECONDS):
                return await asyncio.shield(self._reading_for(head_at))
        except TimeoutError:
            raise LeaseUnavailableError("the database did not answer in 2 s") from None

    def forget(self) -> None:
        """Believe nothing that was read before now."""
        self._known = None
        self._reading = None

    def _reading_for(self, head_at: float) -> asyncio.Task[Lease]:
        if self._reading is not None and covers(self._reading[0], head_at):
            return self._reading[1]
        sent_at = self._clock()
        task = asyncio.create_task(self._read_once(sent_at))
        self._reading = (sent_at, task)
        task.add_done_callback(self._done)
        return task

    async def _read_once(self, sent_at: float) -> Lease:
        found = await self._read()
        lease = Lease(found.version, found.term, found.epoch, sent_at)
        if self._known is None or self._known.sent_at < sent_at:
            self._known = lease
        return lease

    def _done(self, task: asyncio.Task[Lease]) -> None:
        if self._reading is not None and self._reading[1] is task:
            self._reading = None
        if not task.cancelled():
            task.exception()  # whoever waited has it; a background read may have nobody

    async def keep_warm(self) -> None:
        """Refresh while there are questions, so that they need not wait. Runs until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            now = self._clock()
            if not self.confirmed or now - self._asked_at < IDLE_SECONDS:
                # A head that comes one refresh from now must still be covered.
                self._reading_for(now + REFRESH_SECONDS)

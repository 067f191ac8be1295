"""What is live, and for how long this process may believe it (design section 6).

The `live` row on the primary is the only truth. A read of it is good for a request if it was sent
less than one lease before the request's head was read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ragwright_api.background import Background
from ragwright_api.errors import DatabaseUnavailableError, LeaseUnavailableError
from ragwright_core.index.descriptor import Descriptor

LEASE_SECONDS = 1.0
READ_DEADLINE_SECONDS = 2.0
REFRESH_SECONDS = 0.4
# Without a question for this long, nothing is refreshed.
IDLE_SECONDS = 5.0


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

    def __init__(
        self,
        read: Read,
        clock: Callable[[], float] = boot_clock,
        *,
        deadline: float = READ_DEADLINE_SECONDS,
    ) -> None:
        self._read = read
        self._clock = clock
        self._deadline = deadline
        self._background = Background()
        self._known: Lease | None = None
        self._reading: tuple[float, asyncio.Task[Lease]] | None = None
        self._forgot_at = float("-inf")
        self._asked_at = float("-inf")
        self._last: Lease | None = None

    def known(self, head_at: float) -> Lease | None:
        """A lease that covers a request whose head came at `head_at`, if one is known already."""
        if self._known is None or not covers(self._known.sent_at, head_at):
            return None
        self._asked_at = head_at
        return self._known

    def last(self, within_seconds: float) -> Lease | None:
        """What was known last, while the primary is away; not what has been forgotten."""
        last = self._last
        return last if last and self._clock() - last.sent_at <= within_seconds else None

    async def lease(self, head_at: float) -> Lease:
        """A lease that covers a request whose head came at `head_at`.

        Raises LeaseUnavailableError, after the deadline at the latest.
        """
        self._asked_at = self._clock()
        if (known := self.known(head_at)) is not None:
            return known
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.shield(self._reading_for(head_at))
        except (TimeoutError, DatabaseUnavailableError):
            raise LeaseUnavailableError from None

    def forget(self) -> None:
        """Believe nothing whose read was sent before now."""
        self._forgot_at = self._clock()
        self._known = self._last = None
        self._reading = None

    def _reading_for(self, head_at: float) -> asyncio.Task[Lease]:
        """The read under way if it covers `head_at`, else a new one."""
        if self._reading is not None:
            sent_at, task = self._reading
            if covers(sent_at, head_at) and not task.done():
                return task
        sent_at = self._clock()
        task = self._background.start(self._read_once(sent_at))
        self._reading = (sent_at, task)
        return task

    async def _read_once(self, sent_at: float) -> Lease:
        lease = replace(await self._read(), sent_at=sent_at)
        newer = self._known is None or self._known.sent_at < sent_at
        if newer and sent_at >= self._forgot_at:
            self._known = self._last = lease
        return lease

    async def keep_warm(self) -> None:
        """Refresh while there are questions, so that they need not wait. Runs until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            now = self._clock()
            if now - self._asked_at < IDLE_SECONDS:
                # Sent early enough to cover the heads that come until the next round but one.
                self._reading_for(now + REFRESH_SECONDS)

    async def close(self) -> None:
        await self._background.close()

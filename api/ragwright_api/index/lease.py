"""Which version is live, and for how long this process may rely on that.

Only the `live` row on the primary decides what is live. A read of this row is valid for a request
if it was sent less than one lease before the request's head was read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import psycopg

from ragwright_api.tasks.background import Background
from ragwright_api.tasks.within import result_within
from ragwright_api.unanswered import (
    DatabaseUnavailableError,
    LeaseUnavailableError,
    NoVersionError,
    VersionGoneError,
)
from ragwright_core.contract import LEASE_SECONDS
from ragwright_core.index.descriptor import Descriptor

READ_DEADLINE_SECONDS = 2.0
REFRESH_SECONDS = 0.4
# After this time without a question, nothing is refreshed.
IDLE_SECONDS = 5.0
# Two swaps and a drop may happen during a slow request. More is a fault, and is reported.
FRESH_STARTS = 2

Made = TypeVar("Made")


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def covers(sent_at: float, head_at: float) -> bool:
    """Whether a read sent at `sent_at` is valid for a request whose head came at `head_at`."""
    return sent_at > head_at - LEASE_SECONDS


@dataclass(frozen=True)
class LiveVersion:
    """The version that answers questions. `term` counts swaps, and `epoch` is raised by
    invalidate-cache. `ignored` are fields of its descriptor that this release does not know."""

    number: int
    id: str
    descriptor: Descriptor
    term: int = 0
    epoch: int = 0
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lease:
    """One read of the pointer. `version` is None before the first swap."""

    version: LiveVersion | None
    sent_at: float = 0.0


Read = Callable[[], Awaitable[Lease]]


class LiveReader:
    """Reads the pointer for many requests at once. `clock` returns seconds, `pause` waits."""

    def __init__(
        self,
        read: Read,
        clock: Callable[[], float] = boot_clock,
        *,
        deadline: float = READ_DEADLINE_SECONDS,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._clock = clock
        self._deadline = deadline
        self._pause = pause
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
        """The last lease, for use while the primary is away, unless it was forgotten."""
        last = self._last
        return last if last and self.age(last) <= within_seconds else None

    def age(self, lease: Lease) -> float:
        """How many seconds ago the lease's read was sent."""
        return self._clock() - lease.sent_at

    async def lease(self, head_at: float) -> Lease:
        """A lease that covers a request whose head came at `head_at`.

        Raises LeaseUnavailableError, after the deadline at the latest.
        """
        self._asked_at = self._clock()
        if (known := self.known(head_at)) is not None:
            return known
        try:
            return await result_within(self._reading_for(head_at), self._deadline)
        except (TimeoutError, DatabaseUnavailableError):
            raise LeaseUnavailableError from None

    async def lease_now(self) -> Lease:
        """Like `lease`, for callers that have no request."""
        return await self.lease(self._clock())

    async def epoch(self) -> int:
        """The epoch that is valid now. Raises LeaseUnavailableError."""
        lease = await self.lease_now()
        return lease.version.epoch if lease.version else 0

    async def on_live(self, head_at: float, work: Callable[[LiveVersion], Awaitable[Made]]) -> Made:
        """Run `work` on the live version, and run it again if the version's tables were dropped.

        Raises LeaseUnavailableError, NoVersionError or VersionGoneError.
        """
        for _ in range(1 + FRESH_STARTS):
            lease = await self.lease(head_at)
            if lease.version is None:
                raise NoVersionError
            try:
                return await work(lease.version)
            except psycopg.errors.UndefinedTable:
                self.forget()
                head_at = self._clock()
        raise VersionGoneError

    def forget(self) -> None:
        """Ignore every read that was sent before now."""
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
        """Refresh the lease while there are questions, so that they need not wait. Runs until
        cancelled."""
        while True:
            await self._pause(REFRESH_SECONDS)
            now = self._clock()
            if now - self._asked_at < IDLE_SECONDS:
                # This read covers the heads that come until the round after the next one.
                self._reading_for(now + REFRESH_SECONDS)

    async def close(self) -> None:
        await self._background.close()

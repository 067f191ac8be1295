"""The epoch is raised at most once a second, and everyone waits for a raise of after their call."""

from __future__ import annotations

import asyncio

from ragwright_api.errors import DatabaseUnavailableError
from ragwright_api.invalidate import Invalidation
from ragwright_api.lease import LEASE_SECONDS, Lease, LiveReader


class World:
    """A clock that goes on while somebody pauses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.raised_at: list[float] = []
        self.error: Exception | None = None

    async def raise_epoch(self) -> None:
        if self.error:
            raise self.error
        self.raised_at.append(self.now)

    async def pause(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)
            self.now += 0.125 / 2

    async def read(self) -> Lease:
        return Lease(None, 0, len(self.raised_at))

    def invalidation(self) -> Invalidation:
        reader = LiveReader(self.read, lambda: self.now)
        return Invalidation(self.raise_epoch, reader, lambda: self.now, self.pause)


async def test_it_returns_a_lease_after_the_raise() -> None:
    world = World()
    await world.invalidation()()
    assert world.raised_at == [100.0]
    assert world.now >= 100.0 + LEASE_SECONDS


async def test_calls_before_the_raise_share_it() -> None:
    world = World()
    invalidate = world.invalidation()
    await asyncio.gather(*(invalidate() for _ in range(50)))
    assert world.raised_at == [100.0]


async def test_a_call_during_another_ones_wait_gets_a_raise_of_its_own_a_second_later() -> None:
    world = World()
    invalidate = world.invalidation()
    first = asyncio.create_task(invalidate())
    while not world.raised_at:  # noqa: ASYNC110 - the loop ends with the first raise
        await asyncio.sleep(0)
    await invalidate()
    await first
    one, two = world.raised_at
    assert two - one >= 1.0


async def test_a_failure_goes_to_those_who_shared_it_and_no_further() -> None:
    world = World()
    invalidate = world.invalidation()
    world.error = DatabaseUnavailableError()
    failed = await asyncio.gather(*(invalidate() for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in failed] == [DatabaseUnavailableError] * 3
    world.error = None
    await invalidate()
    assert len(world.raised_at) == 1

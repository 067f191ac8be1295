"""The epoch is raised at most once a second, and everyone waits for a raise of after their call."""

from __future__ import annotations

import asyncio

import pytest

from ragwright_api.index.invalidation import Invalidation
from ragwright_api.index.lease import Lease, LiveReader
from ragwright_api.unanswered import DatabaseUnavailableError, TooOftenError
from ragwright_core.contract import LEASE_SECONDS


class World:
    """A clock that goes on while somebody pauses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.raised_at: list[float] = []
        self.error: Exception | None = None
        self.can_tell = True

    async def raise_epoch(self) -> None:
        if self.error:
            raise self.error
        self.raised_at.append(self.now)

    async def raise_epoch_if_due(self, apart: float) -> float | None:
        if not self.can_tell:
            return None
        waits = self.raised_at[-1] + apart - self.now if self.raised_at else 0.0
        if waits <= 0:
            await self.raise_epoch()
        return max(waits, 0.0)

    async def pause(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)
            self.now += 0.125 / 2

    async def read(self) -> Lease:
        return Lease(None)

    def invalidation(self) -> Invalidation:
        reader = LiveReader(self.read, lambda: self.now)
        return Invalidation(self, reader, lambda: self.now, self.pause)


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


@pytest.mark.parametrize("can_tell", [True, False])
async def test_a_stranger_may_once_a_minute_and_is_told_how_long_to_wait(can_tell: bool) -> None:
    world = World()
    world.can_tell = can_tell
    invalidate = world.invalidation()
    await asyncio.gather(*(invalidate.for_a_stranger() for _ in range(50)))
    assert len(world.raised_at) == 1
    assert world.now >= world.raised_at[0] + LEASE_SECONDS
    with pytest.raises(TooOftenError) as refused:
        await invalidate.for_a_stranger()
    assert refused.value.retry_after == 59
    assert len(world.raised_at) == 1
    world.now += 60
    await invalidate.for_a_stranger()
    assert len(world.raised_at) == 2


async def test_a_caller_who_is_known_waits_for_no_stranger() -> None:
    world = World()
    invalidate = world.invalidation()
    await invalidate.for_a_stranger()
    await invalidate()
    assert len(world.raised_at) == 2

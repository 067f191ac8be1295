"""What a process may believe, and for how long."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import pytest

from ragwright_api.index.lease import (
    Lease,
    LiveReader,
    LiveVersion,
    boot_clock,
    covers,
)
from ragwright_api.unanswered import DatabaseUnavailableError, LeaseUnavailableError
from ragwright_core.contract import LEASE_SECONDS
from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor

DESCRIPTOR = Descriptor(
    shape="shape",
    revisions={},
    embedding=EmbeddingDescriptor(provider="embedded", model="m", dimensions=1),
)


def test_covers_exactly_the_heads_that_came_less_than_a_lease_after_the_read_was_sent() -> None:
    for sent in (0.0, 0.5, 1.0, 7.25, 123456.0):
        for milliseconds in range(-3000, 3001):
            head = sent + milliseconds / 1000
            assert covers(sent, head) is (sent > head - LEASE_SECONDS)
            if milliseconds <= 999:
                assert covers(sent, head)
            if milliseconds >= 1001:
                assert not covers(sent, head)


@pytest.mark.parametrize("sent", [0.0, 1.0, 4096.0])
def test_covers_excludes_the_very_moment(sent: float) -> None:
    """A read sent exactly one lease before may have missed a swap that was just reported."""
    assert not covers(sent, sent + LEASE_SECONDS)
    assert covers(math.nextafter(sent, math.inf), sent + LEASE_SECONDS)


def test_a_read_sent_before_a_commit_covers_no_question_after_the_report() -> None:
    """The swap reports 1.5 s after its COMMIT; a head comes after the report."""
    for commit in (0.0, 10.0):
        for early in range(500):
            sent = commit - early / 100
            for late in range(300):
                assert not covers(sent, commit + 1.5 + late / 100)


class World:
    """A pointer, a clock, and reads that can be held."""

    def __init__(self) -> None:
        self.now = 100.0
        self.term = 1
        self.reads = 0
        self.held: asyncio.Event | None = None
        self.error: Exception | None = None

    def clock(self) -> float:
        return self.now

    async def read(self) -> Lease:
        self.reads += 1
        term, held = self.term, self.held
        if held is not None:
            await held.wait()
        if self.error is not None:
            raise self.error
        return Lease(LiveVersion(1, "one", DESCRIPTOR, term))

    def reader(self, deadline: float = 5.0) -> LiveReader:
        return LiveReader(self.read, self.clock, deadline=deadline)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(100):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to pass")


def term_of(lease: Lease) -> int:
    assert lease.version is not None
    return lease.version.term


async def both(*work: Awaitable[Lease]) -> list[Lease]:
    return list(await asyncio.gather(*work))


async def test_one_read_serves_a_lease_and_no_longer() -> None:
    world = World()
    reader = world.reader()
    first = await reader.lease(100.0)
    world.now, world.term = 100.999, 2
    assert await reader.lease(100.999) is first
    assert world.reads == 1
    world.now = 101.0
    assert term_of(await reader.lease(101.0)) == 2


async def test_knowledge_counts_from_when_the_read_was_sent_not_from_when_it_came_back() -> None:
    world = World()
    reader = world.reader()
    world.held = asyncio.Event()
    waiting = asyncio.create_task(reader.lease(100.0))
    await until(lambda: world.reads == 1)
    world.now, world.term = 100.9, 2
    world.held.set()
    assert term_of(await waiting) == 1
    world.held, world.now = None, 101.0
    assert term_of(await reader.lease(101.0)) == 2


async def test_many_requests_share_one_read() -> None:
    world = World()
    reader = world.reader()
    found = await both(*(reader.lease(100.0) for _ in range(50)))
    assert {term_of(lease) for lease in found} == {1}
    assert world.reads == 1


async def test_a_request_does_not_join_a_read_that_was_sent_too_early_for_it() -> None:
    world = World()
    reader = world.reader()
    world.held = held = asyncio.Event()
    early = asyncio.create_task(reader.lease(100.0))
    await until(lambda: world.reads == 1)
    world.now, world.term, world.held = 101.0, 2, None
    assert term_of(await reader.lease(101.0)) == 2
    held.set()
    assert term_of(await early) == 1
    # The late reply of the earlier read does not undo what is known since.
    assert term_of(await reader.lease(101.0)) == 2
    assert world.reads == 2


async def test_what_was_forgotten_does_not_come_back_with_a_late_reply() -> None:
    world = World()
    reader = world.reader()
    world.held = held = asyncio.Event()
    early = asyncio.create_task(reader.lease(100.0))
    await until(lambda: world.reads == 1)
    world.now = 100.1
    reader.forget()
    world.held, world.term = None, 2
    held.set()
    await early
    assert term_of(await reader.lease(100.1)) == 2


async def test_without_the_primary_there_is_no_lease() -> None:
    world = World()
    reader = world.reader()
    await reader.lease(100.0)
    world.error, world.now = DatabaseUnavailableError(), 101.0
    with pytest.raises(LeaseUnavailableError, match="which index version is live"):
        await reader.lease(101.0)
    world.error = None
    assert term_of(await reader.lease(101.0)) == 1


async def test_a_read_that_hangs_ends_with_the_deadline_and_the_next_one_is_sent_anew() -> None:
    world = World()
    reader = world.reader(deadline=0.01)
    world.held = asyncio.Event()
    with pytest.raises(LeaseUnavailableError):
        await reader.lease(100.0)
    world.held, world.now = None, 101.5
    assert term_of(await reader.lease(101.5)) == 1
    await reader.close()


async def test_questions_keep_knowledge_warm_and_silence_lets_it_go() -> None:
    world, paused = World(), list[float]()

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        world.now += seconds
        await asyncio.sleep(0)
        if len(paused) > 30:
            raise asyncio.CancelledError

    reader = LiveReader(world.read, world.clock, pause=pause)
    await reader.lease(100.0)
    with pytest.raises(asyncio.CancelledError):
        await reader.keep_warm()
    # 5 s of warmth after the last question, a read every 0.4 s.
    assert 10 <= world.reads <= 14


def test_the_clock_goes_on_in_seconds() -> None:
    assert 0 <= boot_clock() - boot_clock() + 1 <= 1


async def test_time_in_which_the_process_could_not_run_is_no_silence_of_the_database() -> None:
    async def read() -> Lease:
        time.sleep(0.1)  # noqa: ASYNC251 - it stands for a processor that others use
        for _ in range(20):
            await asyncio.sleep(0)
        return Lease(None)

    reader = LiveReader(read, deadline=0.05)
    assert (await reader.lease_now()).version is None

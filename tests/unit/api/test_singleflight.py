"""One computation for equal questions at the same time."""

from __future__ import annotations

import asyncio

import pytest

from ragwright_api.tasks.singleflight import SingleFlight


class Work:
    """A computation that can be held, and tells what became of it."""

    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.started += 1
        number = self.started
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return number


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_equal_questions_share_and_others_do_not() -> None:
    flights, work = SingleFlight[int](), Work()
    waiting = [asyncio.create_task(flights.run("a", work)) for _ in range(20)]
    other = asyncio.create_task(flights.run("b", work))
    await settle()
    assert flights.under_way("a")
    assert flights.under_way("b")
    work.go.set()
    assert set(await asyncio.gather(*waiting)) == {1}
    assert await other == 2
    assert not flights.under_way("a")


async def test_a_result_is_not_kept() -> None:
    flights, work = SingleFlight[int](), Work()
    work.go.set()
    assert [await flights.run("a", work), await flights.run("a", work)] == [1, 2]


async def test_a_failure_goes_to_all_who_wait_and_is_not_kept() -> None:
    flights, work = SingleFlight[int](), Work()
    waiting = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    await settle()
    work.error = ValueError("once")
    work.go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["once"] * 3
    work.error = None
    assert await flights.run("a", work) == 2


async def test_it_goes_on_while_one_still_waits() -> None:
    flights, work = SingleFlight[int](), Work()
    first, second = (asyncio.create_task(flights.run("a", work)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    assert work.cancelled == 0
    work.go.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_it_stops_when_the_last_has_left_and_a_newcomer_starts_anew() -> None:
    flights, work = SingleFlight[int](), Work()
    leaving = asyncio.create_task(flights.run("a", work))
    await settle()
    leaving.cancel()
    newcomer = asyncio.create_task(flights.run("a", work))
    await settle()
    assert leaving.cancelled()
    assert (work.started, work.cancelled) == (2, 1)
    # The end of the first computation must not take the second from the table.
    assert flights.under_way("a")
    work.go.set()
    assert await newcomer == 2

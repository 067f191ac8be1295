"""Places and queue: what is beyond both is sent away at once."""

from __future__ import annotations

import asyncio

import pytest

from ragwright_api.answering.admission import Admission
from ragwright_api.unanswered import TooBusyError
from ragwright_core.spec import Load


async def hold(admission: Admission, go: asyncio.Event) -> None:
    async with admission.place():
        await go.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_beyond_places_and_queue_it_is_refused_with_a_time_to_come_back() -> None:
    admission, go = Admission(Load(in_flight=2, queue=3)), asyncio.Event()
    held = [asyncio.create_task(hold(admission, go)) for _ in range(5)]
    await settle()
    assert (admission.in_flight, admission.waiting) == (2, 3)
    with pytest.raises(TooBusyError, match=r"too many questions at once; ask again in \d+ s") as no:
        await hold(admission, go)
    assert no.value.status == 429
    assert no.value.retry_after == 2  # four are before it, two at once, a second each
    go.set()
    await asyncio.gather(*held)
    assert (admission.in_flight, admission.waiting) == (0, 0)
    await hold(admission, go)


async def test_a_caller_who_leaves_the_queue_takes_no_place() -> None:
    admission, go = Admission(Load(in_flight=1, queue=1)), asyncio.Event()
    first, second = [asyncio.create_task(hold(admission, go)) for _ in range(2)]
    await settle()
    second.cancel()
    await settle()
    assert admission.waiting == 0
    go.set()
    await first
    await hold(admission, go)


async def test_a_failure_gives_its_place_back() -> None:
    admission = Admission(Load(in_flight=1, queue=0))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with admission.place():
                raise ZeroDivisionError
    assert admission.in_flight == 0


async def test_who_waits_too_long_is_sent_away() -> None:
    admission, go = Admission(Load(in_flight=1, queue=1), wait_seconds=0.01), asyncio.Event()
    first = asyncio.create_task(hold(admission, go))
    await settle()
    with pytest.raises(TooBusyError):
        await hold(admission, go)
    assert admission.waiting == 0
    go.set()
    await first

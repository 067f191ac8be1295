"""Reads that are wanted at the same time, in one call."""

from __future__ import annotations

import asyncio

import pytest

from ragwright_api.caching.batches import Batches, Values


class Redis:
    """Answers when it is let go; `values` are what it holds."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None
        self.is_away = False

    async def __call__(self, keys: list[str], _: float) -> Values | None:
        self.asked.append(keys)
        await self.go.wait()
        if self.error:
            raise self.error
        return None if self.is_away else [f"value of {key}".encode() for key in keys]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_while_a_batch_is_under_way_shares_the_next() -> None:
    redis = Redis()
    batches = Batches(redis)
    first = asyncio.create_task(batches.get("a", 1))
    await settle()
    others = [asyncio.create_task(batches.get(key, 1)) for key in ("b", "c", "b")]
    await settle()
    assert redis.asked == [["a"]]
    redis.go.set()
    assert await first == b"value of a"
    assert await asyncio.gather(*others) == [b"value of b", b"value of c", b"value of b"]
    assert redis.asked == [["a"], ["b", "c", "b"]]
    assert await batches.get("d", 1) == b"value of d"


async def test_who_hangs_up_takes_nothing_from_the_others() -> None:
    redis = Redis()
    batches = Batches(redis)
    gone, stays = [asyncio.create_task(batches.get(key, 1)) for key in ("a", "b")]
    await settle()
    gone.cancel()
    redis.go.set()
    assert await stays == b"value of b"


async def test_without_an_answer_nobody_waits_twice() -> None:
    redis = Redis()
    batches = Batches(redis)
    redis.is_away = True
    first = asyncio.create_task(batches.get("a", 1))
    await settle()
    second = asyncio.create_task(batches.get("b", 1))
    await settle()
    redis.go.set()
    assert (await first, await second) == (None, None)
    assert redis.asked == [["a"]]


async def test_a_fault_leaves_nobody_waiting() -> None:
    redis = Redis()
    batches = Batches(redis)
    redis.error = ZeroDivisionError()
    redis.go.set()
    assert await batches.get("a", 1) is None
    redis.error = None
    assert await batches.get("a", 1) == b"value of a"


@pytest.mark.parametrize("count", [1, 200])
async def test_a_crowd_is_one_call(count: int) -> None:
    redis = Redis()
    batches = Batches(redis)
    redis.go.set()
    found = await asyncio.gather(*(batches.get(str(n), 1) for n in range(count)))
    assert found == [f"value of {n}".encode() for n in range(count)]
    assert len(redis.asked) == 1

"""Breaker and budget: what Redis may cost."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio as redis

from ragwright_api.caching.breaker import Breaker, Budget
from ragwright_api.caching.redis import Cache, _retire
from ragwright_api.tasks.within import result_within
from ragwright_core.stores import NotMountedError


def test_three_failures_in_a_row_open_the_breaker_for_five_seconds() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for ok in (False, False, True, False, False):
        breaker.record(breaker.begin(), ok=ok)
        assert not breaker.is_open
    breaker.record(breaker.begin(), ok=False)
    assert breaker.is_open
    now = 4.999
    assert breaker.is_open
    now = 5.0
    assert not breaker.is_open
    breaker.record(breaker.begin(), ok=False)  # still away: one try is enough
    assert breaker.is_open


def test_calls_that_fail_at_the_same_time_are_one_failure() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(3):
        assert not breaker.is_open
        began = [breaker.begin() for _ in range(64)]
        now += 0.5
        for mark in began:
            breaker.record(mark, ok=False)
    assert breaker.is_open


def test_a_budget_ends_at_zero() -> None:
    budget = Budget(0.05)
    budget.spend(0.02)
    assert budget.seconds == pytest.approx(0.03)
    budget.spend(1)
    assert budget.seconds == 0


async def test_without_a_cache_everything_is_a_miss_and_readiness_says_so() -> None:
    cache = Cache(None)
    assert await cache.get("key", Budget(1)) is None
    await cache.put("key", b"value", 1, Budget(1))
    assert cache.problem() == "no cache is named: set REDIS_URL or REDIS_URL_FILE"


async def test_a_secret_that_is_not_mounted_is_a_miss_and_no_failure() -> None:
    def url() -> str:
        raise NotMountedError("/etc/x is not there")

    failures: list[None] = []
    cache = Cache(url, on_failure=lambda: failures.append(None))
    assert await cache.get("key", Budget(1)) is None
    assert cache.problem() == "/etc/x is not there"
    assert failures == []


async def test_a_client_is_closed_after_its_calls_have_ended() -> None:
    told: list[str] = []

    class Client(redis.Redis):
        async def aclose(self, close_connection_pool: bool | None = None) -> None:
            del close_connection_pool
            told.append("closed")

    async def call() -> None:
        await asyncio.sleep(0)
        told.append("ended")

    await _retire(Client(), {asyncio.create_task(call())})
    assert told == ["ended", "closed"]


async def test_a_spent_budget_asks_nothing() -> None:
    def url() -> str:
        raise AssertionError("asked")

    assert await Cache(url).get("key", Budget(0)) is None


async def test_a_reply_that_came_while_the_process_did_not_run_is_still_read() -> None:
    async def reply() -> int:
        await asyncio.sleep(0)
        return 7

    assert await result_within(asyncio.create_task(reply()), 0) == 7


async def test_no_reply_is_a_time_out() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    with pytest.raises(TimeoutError):
        await result_within(task, 0)
    task.cancel()

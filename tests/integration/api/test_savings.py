"""Calls of models, made and saved: told by metrics, and added up in the pipeline's schema."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

from dev.servers.openai_server import Endpoint
from ragwright_core.index.sentences import SENTENCES
from tests.integration.conftest import Pipeline
from tests.kit.api import Api, Clock, build, serving, until

TEXT = "Refunds are paid within 14 days. Opened software is not refunded."


@pytest.fixture
async def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> Pipeline:
    """Both models are endpoints."""
    endpoint.told.answer = lambda _: "Within 14 days [1]."
    remote: dict[str, Any] = {"provider": "openai", "base_url": endpoint.url, "model": "m"}
    written = pipeline.having(llm=remote, embedding={**remote, "dimensions": 48})
    await build(written, "r1", refunds=TEXT)
    return written


async def counted(api: Api) -> dict[str, float]:
    """Made and saved, without the metrics' common words."""
    names = ("llm_calls", "embeddings", "llm_tokens")
    return {
        name + end: await api.metric(f"ragwright_{name}{end}_total")
        for name in names
        for end in ("", "_saved")
    }


async def test_a_hit_saves_what_its_answer_had_cost(writing: Pipeline, endpoint: Endpoint) -> None:
    async with serving(writing) as first:
        await first.ask()
        made = await counted(first)
    (call,) = endpoint.told.chat_calls
    prompt = sum(len(message["content"].split()) for message in call["messages"])
    tokens = prompt + 4  # Within 14 days [1].
    assert made == {
        "llm_calls": 1, "llm_calls_saved": 0,
        "embeddings": 1, "embeddings_saved": 0,
        "llm_tokens": tokens, "llm_tokens_saved": 0,
    }  # fmt: skip
    async with serving(writing) as second:
        await second.ask()
        assert await second.metric("ragwright_llm_tokens_saved_total", kind="prompt") == prompt
        for _ in range(3):
            await second.ask()
        assert second.running.public.ask.known.memory.size > 0, "also from there"
        assert await counted(second) == {
            "llm_calls": 0, "llm_calls_saved": 4,
            "embeddings": 0, "embeddings_saved": 4,
            "llm_tokens": 0, "llm_tokens_saved": 4 * tokens,
        }  # fmt: skip


async def test_those_who_share_a_computation_save_theirs(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    async with serving(writing) as one, serving(writing) as other:
        with endpoint.told.gate:
            asked = [asyncio.create_task(api.ask()) for api in (one, one, one, other)]
            await until(lambda: len(endpoint.told.came) > len(SENTENCES) - 2)
        await asyncio.gather(*asked)
        both = [await counted(api) for api in (one, other)]
    assert sum(told["llm_calls"] for told in both) == len(endpoint.told.chat_calls) == 1
    assert sum(told["llm_calls_saved"] for told in both) == 3


async def test_a_cached_vector_is_an_embedding_saved_by_a_question_that_is_answered_anew(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    async with serving(writing) as api:
        for _ in range(3):
            await api.ask(use_cache=False)
        told = await counted(api)
    assert (told["llm_calls"], told["llm_calls_saved"]) == (3, 0)
    assert (told["embeddings"], told["embeddings_saved"]) == (1, 2)


async def test_an_endpoint_that_tells_no_tokens_and_one_that_fails(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    endpoint.told.tells_usage = False
    async with serving(writing) as api:
        await api.ask()
        endpoint.told.failures.append(400)
        assert (await api.post("another question")).status_code in (502, 503)
        told = await counted(api)
    assert (told["llm_calls"], told["llm_tokens"]) == (1, 0)


async def test_the_extractive_answerer_embeds_the_sentences_it_compares(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    await build(pipeline, "r1", refunds=TEXT)
    async with serving(pipeline) as api:
        await api.ask()
        told = await counted(api)
    assert (told["llm_calls"], told["embeddings"]) == (0, 1 + 2)


async def test_sums_outlive_the_pods_and_the_operator_is_told(
    writing: Pipeline, redis_client: redis.Redis
) -> None:
    for _ in range(2):
        async with serving(writing) as api:
            await api.ask()
        redis_client.flushall()
    async with serving(writing) as api:
        for _ in range(2):
            await api.ask()
    async with serving(writing) as api:
        index = (await api.internal.get("/index")).json()
    assert index["calls"] == {"made": 6, "saved": 2}


async def test_before_the_schema_holds_sums_nothing_fails_and_nothing_is_lost(
    writing: Pipeline,
) -> None:
    with writing.connect() as connection:
        connection.execute("ALTER TABLE calls RENAME TO not_yet")
    async with serving(writing) as api:
        await api.ask()
        account = api.running.lasting
        await account.settle()
        index = (await api.internal.get("/index")).json()
        assert (index["live"]["number"], index["calls"]) == (1, None)
        with writing.connect() as connection:
            connection.execute("ALTER TABLE not_yet RENAME TO calls")
    assert writing.value("SELECT made FROM calls") == 2


async def test_hits_are_told_by_version(writing: Pipeline) -> None:
    clock = Clock()
    async with serving(writing, clock=clock) as api:
        for _ in range(3):
            await api.ask()
        await build(writing, "r2", refunds=TEXT + " Ships are blue.")
        clock.pass_by(1.5)
        for _ in range(2):
            await api.ask()
        hits = [await api.metric("ragwright_cache_hits_total", version=v) for v in "12"]
        misses = [await api.metric("ragwright_cache_misses_total", version=v) for v in "12"]
    assert (hits, misses) == ([2, 1], [1, 1])


async def test_a_fault_of_ours_is_counted_as_an_error_of_the_service(writing: Pipeline) -> None:
    def broken(*_: object, **__: object) -> str:
        raise KeyError

    async with serving(writing, key=broken) as api:
        assert (await api.post()).status_code == 500
        told = await api.metric("ragwright_errors_total", reason="internal", status="500")
    assert told == 1

"""Questions answered from a real index through a real cache."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import redis

from dev.servers.openai_server import Endpoint
from ragwright_api.answering.answerers.base import NOTHING_FOUND
from ragwright_api.caching.codec import decode_vector
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Api, build, serving, until

REFUNDS = """# Refunds

Refunds are paid within 14 days, by the way
that the purchase was paid. Opened software is not refunded.
"""
HARBOUR = "# Harbour\n\nThe harbour opens at nine. Ships are painted blue every year.\n"


@pytest.fixture
async def built(pipeline: Pipeline, redis_client: redis.Redis) -> Pipeline:
    whole = pipeline.having(chunking={"max_characters": 1000})
    await build(whole, "r1", refunds=REFUNDS, harbour=HARBOUR)
    return whole


@pytest.mark.parametrize(
    "retrieval",
    [{"topK": 1}, {"minScore": 90}, {"denseWeight": 0}, {"adjacentShare": 0}],
    ids=str,
)
async def test_an_answer_made_by_other_settings_is_not_taken_from_the_cache(
    built: Pipeline, retrieval: dict[str, Any]
) -> None:
    async with serving(built) as one, serving(built.having(retrieval=retrieval)) as other:
        assert [(await api.ask())["from_cache"] for api in (one, other)] == [False, False]
        assert [(await api.ask())["from_cache"] for api in (one, other)] == [True, True]


async def test_a_hundred_times_the_same_question_is_one_computation_and_99_hits(
    built: Pipeline,
) -> None:
    async with serving(built) as api:
        replies = [await api.ask() for _ in range(100)]
        assert [reply["from_cache"] for reply in replies] == [False] + [True] * 99
        assert len({(reply["answer"], tuple(reply["sources"])) for reply in replies}) == 1
        assert await api.metric("ragwright_queries_total") == 100
        assert await api.metric("ragwright_cache_misses_total") == 1
        assert await api.metric("ragwright_cache_hits_total") == 99
        assert await api.metric("ragwright_llm_seconds_count") == 1
        assert await api.metric("ragwright_retrieval_seconds_count") == 1
        assert await api.metric("ragwright_query_seconds_count") == 100


async def test_a_hundred_at_once_are_one_computation(built: Pipeline) -> None:
    async with serving(built) as api:
        replies = await asyncio.gather(*(api.ask() for _ in range(100)))
        assert len({reply["answer"] for reply in replies}) == 1
        assert await api.metric("ragwright_llm_seconds_count") == 1
        assert await api.metric("ragwright_cache_misses_total") == 1
        shared = await api.metric("ragwright_coalesced_total")
        assert shared + await api.metric("ragwright_cache_hits_total") == 99
        assert shared > 0


async def test_the_best_sentences_are_quoted_as_they_are_written(built: Pipeline) -> None:
    async with serving(built) as api:
        reply = await api.ask("How are refunds paid, and within how many days?")
    first = reply["answer"].split(" [1]")[0]
    assert first == "Refunds are paid within 14 days, by the way\nthat the purchase was paid."
    assert first in REFUNDS
    assert reply["sources"][0].startswith("refunds.md#L")


async def test_use_cache_false_skips_the_read_but_still_stores(built: Pipeline) -> None:
    async with serving(built) as api:
        for _ in range(2):
            assert (await api.ask(use_cache=False))["from_cache"] is False
        assert await api.metric("ragwright_llm_seconds_count") == 2
        assert (await api.ask())["from_cache"] is True


async def test_another_process_finds_the_stored_answer(built: Pipeline) -> None:
    async with serving(built) as one, serving(built) as two:
        await one.ask()
        assert (await two.ask())["from_cache"] is True


async def test_a_filter_that_nothing_fits_is_an_empty_retrieval(built: Pipeline) -> None:
    async with serving(built) as api:
        reply = await api.ask(filters={"source": "nowhere"})
        assert (reply["answer"], reply["sources"]) == (NOTHING_FOUND, [])
        assert await api.metric("ragwright_empty_retrievals_total") == 1
        await api.ask()
        assert await api.metric("ragwright_empty_retrievals_total") == 1


async def test_keys_carry_their_prefixes_and_lives(
    built: Pipeline, redis_client: redis.Redis
) -> None:
    async with serving(built) as api:
        await api.ask()
    (key,) = redis_client.keys("rag:response:*")
    (chunks,) = redis_client.keys("rag:retrieval:*")
    assert set(redis_client.keys("*")) == {key, chunks}
    for each in (key, chunks):
        assert 14_390 < redis_client.ttl(each) <= 14_400
    stored = json.loads((redis_client.get(key) or b"").splitlines()[0])
    assert list(stored) == ["answer", "sources"]


async def test_questions_vectors_are_cached_for_thirty_days(
    pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint
) -> None:
    remote = pipeline.having(
        embedding={
            "provider": "openai",
            "base_url": endpoint.url,
            "model": "m",
            "dimensions": 48,
            "query_prefix": "query: ",
        }
    )
    await build(remote, "r1", refunds=REFUNDS)
    redis_client.flushall()
    async with serving(remote) as api:
        await api.ask()
        (key,) = redis_client.keys("rag:embed:*")
        assert 2_591_990 < redis_client.ttl(key) <= 2_592_000
        stored = redis_client.get(key)
        assert isinstance(stored, bytes)
        assert decode_vector(stored, 48) is not None
        await api.ask(use_cache=False)
    assert endpoint.told.texts.count(f"query: {QUESTION}") == 1


async def test_a_spoilt_vector_in_the_cache_is_not_used(
    pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint
) -> None:
    remote = pipeline.having(
        embedding={"provider": "openai", "base_url": endpoint.url, "model": "m", "dimensions": 48}
    )
    await build(remote, "r1", refunds=REFUNDS)
    redis_client.flushall()
    async with serving(remote) as api:
        first = await api.ask(use_cache=False)
        (key,) = redis_client.keys("rag:embed:*")
        redis_client.set(key, b"short")
        assert (await api.ask(use_cache=False))["answer"] == first["answer"]


async def test_before_the_first_version_it_is_ready_and_says_so(pipeline: Pipeline) -> None:
    async with serving(pipeline) as api:
        await until(lambda: _is(api, "/readyz", 200))
        reply = await api.post()
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert reply.json() == {
            "error": "no_index",
            "message": "no index version is live yet; see how far it is with: kubectl get rag",
        }
        assert (await api.internal.get("/index")).json() == {
            "pipeline": pipeline.identity.uid,
            "term": None,
            "live": None,
            "previous": None,
            "building": None,
            "others": [],
            "calls": None,
            "pushes": {},
            "embeddingCosine": None,
        }
        assert (await api.http.post("/api/rag/invalidate-cache")).status_code == 200
        await build(pipeline, "r1", refunds=REFUNDS)
        await until(lambda: _answers(api))


async def _is(api: Api, path: str, status: int) -> bool:
    return (await api.internal.get(path)).status_code == status


async def _answers(api: Api) -> bool:
    return (await api.post()).status_code == 200


async def test_unknown_paths_are_refused_in_the_same_form(pipeline: Pipeline) -> None:
    async with serving(pipeline) as api:
        assert (await api.http.get("/api/rag/nothing")).json()["error"] == "not_found"
        assert (await api.http.get("/api/rag/query")).json()["error"] == "not_allowed"


@pytest.mark.parametrize(
    "filters",
    [
        {"n": 9 * 10**4000},
        {"n": {"$gte": 9 * 10**4000}},
        {"": ""},
        {"a": True, "b": None, "c": 1.5},
        {"quote'\"\\": "%s {} $1"},
        {"quote'\"\\ %(limit)s": {"$lt": "%s {} $1'\"", "$exists": True, "$ne": 1}},
    ],
)
async def test_odd_filters_are_values_and_never_sql(
    built: Pipeline, filters: dict[str, Any]
) -> None:
    async with serving(built) as api:
        assert (await api.ask(filters=filters))["answer"] == NOTHING_FOUND


async def test_the_internal_port_tells_what_is_live_and_what_is_built(built: Pipeline) -> None:
    async with serving(built) as api:
        await build(built, "r2", refunds=REFUNDS + "\nMore about it.\n")
        built.write(third="A third document.")
        await asyncio.to_thread(built.load, "r3")
        with built.connect() as connection:
            connection.execute("UPDATE documents_v3 SET state = 'pending' WHERE path = 'third.md'")
            connection.execute("UPDATE index_version SET loaded_at = NULL WHERE number = 3")
        index = (await api.internal.get("/index")).json()
        assert index["previous"] == 1
        assert index["building"] == {"number": 3, "phase": "load", "done": 2, "total": 3}
        live = index["live"]
        assert (live["number"], live["term"], live["documents"]) == (2, 2, 2)
        assert live["chunks"] == built.value("SELECT count(*) FROM chunks_v2")
        with built.connect() as connection:
            connection.execute("DROP TABLE documents_v3 CASCADE")
        index = (await api.internal.get("/index")).json()
        assert (index["live"]["number"], index["building"]) == (2, None)
        built.change("UPDATE live SET number = NULL")
        index = (await api.internal.get("/index")).json()
        assert (index["live"], index["term"]) == (None, 2)


async def test_metrics_are_labelled_and_livez_needs_nothing(built: Pipeline) -> None:
    async with serving(built) as api:
        await api.ask()
        await api.post("")
        text = (await api.internal.get("/metrics")).text
        assert (await api.internal.get("/livez")).text == "ok"
    labels = f'{{namespace="test",pipeline="{built.identity.name}"}}'
    for line in (
        f"ragwright_queries_total{labels} 1.0",
        f'ragwright_cache_hits_total{labels[:-1]},version="1"}} 0.0',
        f'ragwright_cache_misses_total{labels[:-1]},version="1"}} 1.0',
        f"ragwright_coalesced_total{labels} 0.0",
        f"ragwright_empty_retrievals_total{labels} 0.0",
        f"ragwright_retrieval_seconds_count{labels} 1.0",
        f"ragwright_llm_seconds_count{labels} 1.0",
        f"ragwright_query_seconds_count{labels} 1.0",
        f'ragwright_errors_total{labels[:-1]},reason="invalid_request",status="422"}} 1.0',
    ):
        assert line in text.splitlines()

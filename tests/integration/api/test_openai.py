"""The language model: a real HTTP server that speaks the protocol, and fails in many ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis

from dev.servers.openai_server import Endpoint
from ragwright_api.answering.answerers.base import NOTHING_FOUND
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Api, build, serving, until

REFUNDS = "Refunds are paid within 14 days. Opened software is not refunded."


@pytest.fixture
async def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> Pipeline:
    endpoint.told.answer = lambda _: "Within 14 days [1]."
    written = pipeline.having(
        llm={
            "provider": "openai",
            "base_url": endpoint.url,
            "model": "a-model",
            "max_tokens": 99,
            "secret_key_ref": {"name": "llm", "key": "api-key"},
        }
    )
    await build(written, "r1", refunds=REFUNDS)
    return written


def write_key(pipeline: Pipeline, key: str) -> None:
    folder = pipeline.folder / "secrets" / "llm"
    folder.mkdir(exist_ok=True)
    (folder / "api-key").write_text(f"{key}\n")


@asynccontextmanager
async def with_key(pipeline: Pipeline, key: str = "sk-first") -> AsyncIterator[Api]:
    write_key(pipeline, key)
    async with serving(pipeline) as api:
        yield api


async def test_it_answers_from_the_documents(writing: Pipeline, endpoint: Endpoint) -> None:
    async with with_key(writing) as api:
        reply = await api.ask()
    assert reply["answer"] == "Within 14 days [1]."
    assert reply["sources"] == ["refunds.md#L1-L1"]
    (call,) = endpoint.told.chat_calls
    assert (call["model"], call["max_tokens"]) == ("a-model", 99)
    content = call["messages"][1]["content"]
    assert f'source="refunds.md#L1-L1">\n{REFUNDS}\n</document>' in content
    assert content.endswith(f"Question: {QUESTION}")


async def test_the_key_is_read_anew_when_its_secret_rotates(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    async with with_key(writing) as api:
        await api.ask("one")
        write_key(writing, "sk-second")
        await api.ask("two")
    assert endpoint.told.keys_seen == ["Bearer sk-first", "Bearer sk-second"]


async def test_instructions_come_first_and_documents_stay_data(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    told = writing.having(llm={**writing.spec.llm.model_dump(), "instructions": "Answer in rhyme."})
    for pipeline in (writing, told):
        async with with_key(pipeline) as api:
            assert (await api.ask())["from_cache"] is False, "another prompt, another answer"
    usual, own = (call["messages"][0]["content"] for call in endpoint.told.chat_calls)
    assert usual.startswith("Answer the question from the documents alone")
    assert own.startswith("Answer in rhyme. Each document stands between <document> tags")
    assert NOTHING_FOUND in own


async def test_a_model_that_hangs_is_given_up_in_its_time(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    hasty = writing.having(llm={**writing.spec.llm.model_dump(), "timeoutSeconds": 1})
    async with with_key(hasty) as api:
        with endpoint.told.gate:
            reply = await api.post()
    assert reply.status_code == 503
    assert "did not answer (no whole answer within 1 s)" in reply.json()["message"]
    assert len(endpoint.told.came) == 3


async def test_what_passes_is_tried_again(writing: Pipeline, endpoint: Endpoint) -> None:
    endpoint.told.failures.extend([503, 429])
    async with with_key(writing) as api:
        assert (await api.ask())["answer"] == "Within 14 days [1]."
    assert len(endpoint.told.came) == 3


@pytest.mark.parametrize(
    ("failure", "status", "words", "calls"),
    [
        (500, 503, "did not answer (HTTP 500); ask again", 3),
        (0, 503, "did not answer (the connection broke); ask again", 3),
        (401, 502, "refused (HTTP 401): check llm.model, baseUrl", 1),
        (404, 502, "refused (HTTP 404): check llm.model, baseUrl", 1),
    ],
)
async def test_a_failure_is_told_in_words_and_never_cached(  # noqa: PLR0917 - a table
    writing: Pipeline,
    endpoint: Endpoint,
    redis_client: redis.Redis,
    failure: int,
    status: int,
    words: str,
    calls: int,
) -> None:
    reason = "llm_unavailable" if status == 503 else "llm_refused"
    endpoint.told.failures.extend([failure] * calls)
    async with with_key(writing, "sk-hunter2") as api:
        reply = await api.post()
        assert (reply.status_code, reply.json()["error"]) == (status, reason)
        assert words in reply.json()["message"]
        assert len(endpoint.told.came) == calls
        await until(lambda: redis_client.keys("rag:response:*") == [])
        assert (await api.ask())["from_cache"] is False
        assert await api.metric("ragwright_errors_total", reason=reason) == 1
        for secret in ("sk-hunter2", QUESTION):
            assert secret not in api.log.getvalue()
            assert secret not in reply.text


async def test_an_empty_answer_is_a_failure_and_not_a_nothing_found(
    writing: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    endpoint.told.answer = lambda _: ""
    async with with_key(writing) as api:
        reply = await api.post()
    assert (reply.status_code, reply.json()["error"]) == (502, "llm_refused")
    assert "raise llm.maxTokens" in reply.json()["message"]
    await until(lambda: redis_client.keys("rag:response:*") == [])


async def test_nothing_retrieved_asks_no_language_model(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    async with with_key(writing) as api:
        assert (await api.ask(filters={"source": "nowhere"}))["answer"] == NOTHING_FOUND
    assert endpoint.told.came == []


async def test_a_failure_goes_to_all_who_share_the_computation(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    endpoint.told.always = 401
    async with with_key(writing) as api:
        with endpoint.told.gate:
            asked = [asyncio.create_task(api.post()) for _ in range(5)]
            await until(lambda: len(endpoint.told.came) == 1)
        assert {reply.status_code for reply in await asyncio.gather(*asked)} == {502}
    assert len(endpoint.told.came) == 1


async def test_readiness_names_the_missing_secret_and_goes_on_when_it_appears(
    writing: Pipeline,
) -> None:
    async with serving(writing) as api:

        async def waits() -> bool:
            reply = await api.internal.get("/readyz")
            return reply.status_code == 503 and "Secret llm has no key api-key" in reply.text

        await until(waits)
        reply = await api.post()
        assert (reply.status_code, reply.json()["error"]) == (503, "llm_unavailable")
        assert "Secret llm has no key api-key" in reply.json()["message"]
        write_key(writing, "sk-late")

        async def is_ready() -> bool:
            return (await api.internal.get("/readyz")).status_code == 200

        await until(is_ready)
        await api.ask()


@pytest.mark.parametrize("failure", [400, 401])
async def test_an_embedding_endpoint_that_refuses_is_told_in_words(
    pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint, failure: int
) -> None:
    remote: Any = {
        "provider": "openai",
        "base_url": endpoint.url,
        "model": "m",
        "dimensions": 48,
    }
    embedding = pipeline.having(embedding=remote)
    await build(embedding, "r1", refunds=REFUNDS)
    redis_client.flushall()
    async with serving(embedding) as api:
        endpoint.told.always = failure
        reply = await api.post()
        endpoint.told.always = None
        assert (reply.status_code, reply.json()["error"]) == (503, "embedding_unavailable")
        assert f"refused to embed (HTTP {failure})" in reply.json()["message"]
        assert "127.0.0.1" not in reply.text, "where it is concerns no caller"
        # The turn to compute is given back beside the reply.
        await until(lambda: redis_client.keys("*") == [])
        endpoint.told.always = None
        await api.ask()

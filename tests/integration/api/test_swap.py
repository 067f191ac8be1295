"""Swaps under questions: none fails, none mixes, none is stale."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import redis

from dev.servers.openai_server import Endpoint
from ragwright_core.cachekeys import IndexPoint, response_key
from ragwright_core.contract import AFTER_COMMIT_SECONDS
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.integration.test_drift import another_model
from tests.kit.api import QUESTION, Api, Clock, answers, build, serving, until

QUESTIONS = [f"What does rule {number} of the refund policy say?" for number in range(8)]


def document(revision: int) -> str:
    """Each sentence carries its revision."""
    lines = (f"Rule {number} of the refund policy says [r{revision}] so." for number in range(8))
    return "\n\n".join(lines)


def revisions(answer: str) -> set[int]:
    return {int(number) for number in re.findall(r"\[r(\d)\]", answer)}


def without_version(point: IndexPoint, **rest: Any) -> str:
    """The key that a cache must not have."""
    return response_key(point._replace(version_id="any"), **rest)


@pytest.fixture
def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> Pipeline:
    """A language model that repeats the revisions it was shown, and can be held."""
    endpoint.told.answer = lambda body: " ".join(
        re.findall(r"\[r\d\]", body["messages"][1]["content"])
    )
    return pipeline.having(llm={"provider": "openai", "base_url": endpoint.url, "model": "m"})


@dataclass
class Judged:
    """Answers to questions that began after the report."""

    stale: int = 0
    mixed: int = 0
    fresh: int = 0
    reported: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, api: Api, question: str, **fields: Any) -> None:
        after = self.reported.is_set()
        found = revisions((await api.ask(question, **fields))["answer"])
        assert found
        self.mixed += len(found) > 1
        if after:
            self.stale += 1 in found
            self.fresh += 1 not in found


async def swap_under_questions(
    pipeline: Pipeline, endpoint: Endpoint, key: Callable[..., str]
) -> Judged:
    """Two processes share a filled cache; one computation on the old version ends late."""
    clock, judged = Clock(), Judged()
    await build(pipeline, "r1", rules=document(1))
    async with (
        serving(pipeline, clock=clock, key=key) as one,
        serving(pipeline, clock=clock, key=key) as two,
    ):
        for question in QUESTIONS:
            await judged.ask(one, question)
        endpoint.told.gate.acquire()
        asked = len(endpoint.told.came)
        late = asyncio.create_task(judged.ask(one, QUESTION))
        await until(lambda: len(endpoint.told.came) > asked)
        stop = asyncio.Event()
        traffic = [asyncio.create_task(_traffic(judged, api, stop)) for api in (one, two)]
        await build(pipeline, "r2", rules=document(2))
        clock.pass_by(AFTER_COMMIT_SECONDS)
        judged.reported.set()
        endpoint.told.gate.release()
        await late
        for question in [QUESTION, *QUESTIONS]:
            for api in (one, two):
                await judged.ask(api, question)
        stop.set()
        await asyncio.gather(*traffic)
    return judged


async def _traffic(judged: Judged, api: Api, stop: asyncio.Event) -> None:
    turn = 0
    while not stop.is_set():
        await judged.ask(api, QUESTIONS[turn % len(QUESTIONS)])
        turn += 1
        # The build runs in a thread of this process: without a pause neither gets anywhere on a
        # busy machine, and a read of the pointer was seen to wait 5 s for its turn.
        await asyncio.sleep(0.02)


async def test_after_the_report_no_answer_is_of_the_old_version(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    judged = await swap_under_questions(writing, endpoint, response_key)
    assert (judged.stale, judged.mixed) == (0, 0)
    assert judged.fresh >= 18


async def test_the_proof_can_fail_without_the_version_in_the_key(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    judged = await swap_under_questions(writing, endpoint, without_version)
    assert judged.stale > 0


async def test_the_proof_can_fail_without_the_lease(writing: Pipeline, endpoint: Endpoint) -> None:
    """A process whose clock stands still believes for ever what it once read."""
    await build(writing, "r1", rules=document(1))
    async with serving(writing, clock=lambda: 1000.0) as api:
        assert revisions((await api.ask())["answer"]) == {1}
        await build(writing, "r2", rules=document(2))
        assert revisions((await api.ask())["answer"]) == {1}


async def test_an_answer_stored_late_is_never_found_again(
    writing: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    clock = Clock()
    await build(writing, "r1", rules=document(1))
    async with serving(writing, clock=clock) as api:
        endpoint.told.gate.acquire()
        late = asyncio.create_task(api.post())
        await until(lambda: len(endpoint.told.came) > 0)
        await build(writing, "r2", rules=document(2))
        clock.pass_by(AFTER_COMMIT_SECONDS)
        endpoint.told.gate.release()
        reply = await late
        # It began before the report, finished on its version, and says which.
        assert revisions(reply.json()["answer"]) == {1}
        assert reply.headers["x-ragwright-version"] == "1"
        assert len(await answers(redis_client)) == 1
        after = await api.post()
        assert revisions(after.json()["answer"]) == {2}
        assert after.json()["from_cache"] is False
        assert after.headers["x-ragwright-version"] == "2"
        assert after.headers["x-ragwright-term"] == "2"


@pytest.fixture
async def moved_on(pipeline: Pipeline, redis_client: redis.Redis) -> AsyncIterator[Api]:
    """A process that still believes in version 1, whose tables two swaps have dropped."""
    await build(pipeline, "r1", rules=document(1))
    async with serving(pipeline, clock=lambda: 1000.0) as api:
        assert revisions((await api.ask())["answer"]) == {1}
        await build(pipeline, "r2", rules=document(2))
        await build(pipeline, "r3", rules=document(3))
        assert pipeline.value("SELECT to_regclass('chunks_v1')") is None
        yield api


async def test_a_version_that_is_gone_is_left_for_a_fresh_lease(moved_on: Api) -> None:
    reply = await moved_on.post(use_cache=False)
    assert revisions(reply.json()["answer"]) == {3}
    assert reply.headers["x-ragwright-version"] == "3"


async def test_all_who_wait_for_one_computation_start_over(moved_on: Api) -> None:
    replies = await asyncio.gather(*(moved_on.ask("another question") for _ in range(20)))
    assert all(revisions(reply["answer"]) == {3} for reply in replies)


async def test_a_version_that_is_gone_again_and_again_is_told(
    moved_on: Api, pipeline: Pipeline
) -> None:
    with pipeline.connect() as connection:
        connection.execute("DROP TABLE chunks_v3 CASCADE")
    reply = await moved_on.post(use_cache=False)
    assert (reply.status_code, reply.json()["error"]) == (503, "index_changing")


async def test_dimensions_change_from_version_to_version(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    clock = Clock()
    await build(pipeline, "r1", rules=document(1))
    async with serving(pipeline, clock=clock) as api:
        stop, judged = asyncio.Event(), Judged()
        traffic = asyncio.create_task(_traffic(judged, api, stop))
        for request, dimensions in (("r2", 256), ("r3", 128), ("r4", 64)):
            other = pipeline.having(embedding={"dimensions": dimensions})
            revision = int(request[1])
            await build(other, request, rules=document(revision))
            clock.pass_by(AFTER_COMMIT_SECONDS)
            reply = await api.post(use_cache=False)
            assert revisions(reply.json()["answer"]) == {revision}
        stop.set()
        await traffic
        assert judged.mixed == 0


async def test_another_model_is_used_as_soon_as_its_version_is_live(
    pipeline: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    clock = Clock()
    await build(pipeline, "r1", rules=document(1))
    async with serving(pipeline, clock=clock) as api:
        await api.ask()
        remote = pipeline.having(
            embedding={
                "provider": "openai",
                "base_url": endpoint.url,
                "model": "m",
                "dimensions": 32,
            }
        )
        await build(remote, "r2", rules=document(2))
        clock.pass_by(AFTER_COMMIT_SECONDS)
        assert revisions((await api.ask())["answer"]) == {2}
        assert QUESTION in endpoint.told.texts


@pytest.mark.parametrize("renamed", [True, False])
async def test_a_questions_vector_is_of_the_model_of_the_version_that_is_searched(
    pipeline: Pipeline, endpoint: Endpoint, redis_client: redis.Redis, *, renamed: bool
) -> None:
    """Two models of one size, under two names or one. No epoch is raised between them."""
    one = openai(pipeline, endpoint)
    other = one.having(embedding={**one.spec.embedding.model_dump(), "model": "other"})
    clock = Clock()
    await build(one, "r1", rules=document(1))
    async with serving(one, clock=clock) as api:
        await api.ask()
        endpoint.told.spoil = another_model
        await build(other if renamed else one, "r2", rules=document(2))
        clock.pass_by(AFTER_COMMIT_SECONDS)
        assert revisions((await api.ask())["answer"]) == {2}
    assert endpoint.told.texts.count(QUESTION) == 2


async def test_invalidate_cache_holds_for_every_process_once_it_has_returned(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    await build(pipeline, "r1", rules=document(1))
    async with serving(pipeline) as one, serving(pipeline) as two:
        for api in (one, two):
            await api.ask()
            assert (await api.ask())["from_cache"] is True
        reply = await one.http.post("/api/rag/invalidate-cache")
        assert reply.json() == {"status": "cache invalidated"}
        assert (await two.ask())["from_cache"] is False
        assert (await one.ask())["from_cache"] is True  # what the other has computed since
    assert pipeline.value("SELECT epoch FROM live") == 1


async def test_many_invalidations_at_once_raise_the_epoch_once(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    await build(pipeline, "r1", rules=document(1))
    async with serving(pipeline) as api:
        calls = (api.http.post("/api/rag/invalidate-cache") for _ in range(30))
        replies = await asyncio.gather(*calls)
    assert {reply.status_code for reply in replies} == {200}
    assert pipeline.value("SELECT epoch FROM live") == 1


async def test_a_swap_waits_for_no_question(pipeline: Pipeline, redis_client: redis.Redis) -> None:
    """A plain UPDATE by anyone with a client is a swap too: the pointer is the truth."""
    clock = Clock()
    await build(pipeline, "r1", rules=document(1))
    await build(pipeline, "r2", rules=document(2))
    async with serving(pipeline, clock=clock) as api:
        assert revisions((await api.ask())["answer"]) == {2}
        with psycopg.connect(pipeline.stores.database_url, autocommit=True) as connection:
            connection.execute(f'UPDATE "{pipeline.schema}".live SET number = 1, term = term + 1')
        clock.pass_by(AFTER_COMMIT_SECONDS)
        reply = await api.post()
        assert revisions(reply.json()["answer"]) == {1}
        assert reply.headers["x-ragwright-term"] == "3"

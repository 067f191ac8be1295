"""The database goes back to a backup, under an API that knows what came after it.

A number comes again then, in Postgres and nowhere else: Redis still holds what the version of that
number answered before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from ragwright_core.contract import AFTER_COMMIT_SECONDS
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import states
from tests.kit.api import QUESTION, Clock, answers, build, serving
from tests.kit.postgres import Server, Servers, dump, load_dump

FIRST, SECOND, THIRD = (f"The refund policy gives back {what}." for what in ("all", "half", "none"))
Restore = Callable[[], None]
LATER = "What does the policy on refunds give back?"


@pytest.fixture
def server(own: Servers) -> Server:
    return own.start(own.new("server"))


@pytest.fixture
async def first(
    own: Servers, server: Server, pipeline: Pipeline, redis_client: redis.Redis
) -> Pipeline:
    """Version 1 is live, in a server with an address."""
    stores = Stores(own.address(server), pipeline.stores.redis_url)
    pipeline = replace(pipeline, stores=stores)
    await build(pipeline, "r1", policy=FIRST)
    return pipeline


def from_base_backup(own: Servers, server: Server, pipeline: Pipeline) -> Restore:
    """Another server with the backup's files stands where the old one stood."""
    copy = server.copy("restored")

    def restore() -> None:
        server.stop()
        own.lead(own.start(copy))

    return restore


def from_dump(own: Servers, server: Server, pipeline: Pipeline) -> Restore:
    """In place: the server goes on, and so do connections that know of other tables and types."""
    file = dump(server, own.folder / "dump")

    def restore() -> None:
        server.execute(f'DROP SCHEMA "{pipeline.schema}" CASCADE')
        server.execute("DROP EXTENSION vector")
        load_dump(server, file)

    return restore


@pytest.mark.row(13, "Postgres restored from a backup of before the live version")
@pytest.mark.parametrize("backup", [from_base_backup, from_dump])
async def test_a_restored_database_is_noticed_and_no_later_answer_comes_back(
    own: Servers,
    server: Server,
    first: Pipeline,
    redis_client: redis.Redis,
    backup: Callable[[Servers, Server, Pipeline], Restore],
) -> None:
    clock = Clock()
    async with serving(first, clock=clock) as api:

        async def answer(question: str, text: str) -> bool:
            clock.pass_by(AFTER_COMMIT_SECONDS)
            reply = await api.ask(question)
            assert text in reply["answer"]
            return bool(reply["from_cache"])

        async def index() -> tuple[object, ...]:
            told = (await api.internal.get("/index")).json()
            live = told["live"]
            return live["number"], live["term"], live["intact"], told["previous"]

        async def many(text: str) -> None:
            """Over every connection of the pool."""
            asked = (api.ask(f"{QUESTION} {n}", use_cache=False) for n in range(24))
            assert all(text in reply["answer"] for reply in await asyncio.gather(*asked))

        await answer(QUESTION, FIRST)
        restore = await asyncio.to_thread(backup, own, server, first)
        await build(first, "r2", policy=SECOND)
        for question in (QUESTION, LATER):
            assert [await answer(question, SECOND) for _ in range(2)] == [False, True]
        await many(SECOND)
        assert await index() == (2, 2, True, 1)
        later = set(await answers(redis_client))

        await asyncio.to_thread(restore)

        assert later <= set(redis_client.keys("rag:response:*"))
        for question in (QUESTION, LATER):
            await answer(question, FIRST)
        await many(FIRST)
        assert await index() == (1, 1, True, None)
        again = await build(first, "r3", policy=THIRD)
        for question in (QUESTION, LATER):
            assert [await answer(question, THIRD) for _ in range(2)] == [False, True]
        assert await index() == (again, 2, True, 1)
        assert states(first) == {1: "kept", again: "live"}
        assert backup is from_base_backup or again == 2, "the number has come again"

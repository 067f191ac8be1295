"""Webhooks of a real service: what is written down, and who hears of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from ragwright_api.http.routes import WEBHOOKS
from ragwright_api.index.pushes import CALLS_KNOWN, MOST_HELD
from ragwright_api.webhooks.receive import MAX_BODY_BYTES
from tests.integration.conftest import Pipeline
from tests.kit.api import Api, build, frozen, program, server_processes, serving, until
from tests.kit.postgres import Servers
from tests.kit.webhooks import SECRET, Call, github, sha256

SOURCE = {
    "name": "code",
    "git": {"url": "https://git.example/docs", "ref": "main"},
    "webhook": {"secretKeyRef": {"name": "push", "key": "secret"}},
}
PATH = f"{WEBHOOKS}code"


@pytest.fixture
def hooked(pipeline: Pipeline) -> Pipeline:
    """As it is served; it is built from its other documents."""
    folder = pipeline.folder / "secrets" / "push"
    folder.mkdir(parents=True)
    (folder / "secret").write_text(f"{SECRET}\n")
    return pipeline.having(sources=[SOURCE])


async def send(api: Api, call: Call) -> tuple[int, dict[str, Any]]:
    reply = await api.http.post(PATH, headers=call.headers, content=call.body)
    return reply.status_code, reply.json()


async def index(api: Api, after: str | None = None) -> tuple[str, dict[str, str]]:
    """The tag and the words of `GET /index`."""
    reply = await api.internal.get("/index", params={} if after is None else {"after": after})
    assert reply.status_code == 200
    return reply.headers["etag"], reply.json()["pushes"]


async def test_a_push_is_told_by_every_replica(pipeline: Pipeline, hooked: Pipeline) -> None:
    await build(pipeline, "r1", refunds="Refunds are paid.")
    async with serving(hooked) as api, serving(hooked) as other:
        tag, words = await index(other)
        assert words == {}
        held = asyncio.create_task(index(other, tag))
        await asyncio.sleep(0)
        assert await send(api, github(ref="refs/heads/draft")) == (
            200,
            {
                "status": "ignored",
                "message": "nothing is built: the push is to another branch or tag than main, "
                "which the source reads",
            },
        )
        assert (await send(api, github()))[0] == 202
        second, words = await held
        assert (second != tag, list(words)) == (True, ["code"])
        assert (await send(other, github()))[1]["status"] == "repeated"
        assert await index(api) == (second, words)
        assert (await send(other, github(after="1" * 40)))[0] == 202
        assert (await index(api, second))[0] not in (tag, second)


async def test_only_the_latest_calls_are_known_again(pipeline: Pipeline, hooked: Pipeline) -> None:
    await build(pipeline, "r1", refunds="Refunds are paid.")
    async with serving(hooked) as api:
        calls = [github(after=f"{number:040x}") for number in range(1, CALLS_KNOWN + 22)]
        for call in calls:
            assert (await send(api, call))[0] == 202
        assert pipeline.value("SELECT cardinality(latest) FROM push") == CALLS_KNOWN
        assert (await send(api, calls[-CALLS_KNOWN]))[1]["status"] == "repeated"
        assert (await send(api, calls[-CALLS_KNOWN - 1]))[1]["status"] == "changed"


async def test_before_the_first_build_and_before_a_migration_it_says_so(
    pipeline: Pipeline, hooked: Pipeline
) -> None:
    async with serving(hooked) as api:
        status, told = await send(api, github())
        assert (status, told["error"]) == (503, "not_prepared")
    await build(pipeline, "r1", refunds="Refunds are paid.")
    async with serving(hooked) as api:
        with pipeline.connect() as connection:
            connection.execute("DROP TABLE push")
        status, told = await send(api, github())
        assert (status, told["error"]) == (503, "not_prepared")
        assert (await index(api))[1] == {}
        assert (await api.ask())["answer"]


async def test_a_database_that_is_away_takes_no_push_and_loses_none(
    pipeline: Pipeline, hooked: Pipeline, own: Servers
) -> None:
    server = own.start(own.new("server"))
    stores = replace(pipeline.stores, database_url=server.url)
    await build(replace(pipeline, stores=stores), "r1", refunds="Refunds are paid.")
    hooked = replace(hooked, stores=stores)
    async with serving(hooked) as api:
        tag, _ = await index(api)
        held = asyncio.create_task(api.internal.get("/index", params={"after": tag}))
        with frozen(*server_processes(server.url)):
            status, told = await send(api, github())
            assert (status, told["error"]) == (503, "database_unavailable")
            assert (await held).status_code == 503
        await until(lambda: _is_taken(api))
        assert (await index(api, tag))[0] != tag


async def _is_taken(api: Api) -> bool:
    # Whether the first call was written before the server stopped is not known to the caller.
    return (await send(api, github()))[1].get("status") in ("changed", "repeated")


async def test_no_more_than_a_few_are_held(pipeline: Pipeline, hooked: Pipeline) -> None:
    await build(pipeline, "r1", refunds="Refunds are paid.")
    async with serving(hooked) as api:
        tag, _ = await index(api)
        held = [asyncio.create_task(index(api, tag)) for _ in range(MOST_HELD)]
        watch = api.running.internal.pushes
        await until(lambda: len(watch._held) == MOST_HELD)
        assert (await asyncio.wait_for(index(api, tag), 30))[0] == tag
        api.running.readiness.stop()
        assert {tag for tag, _ in await asyncio.gather(*held)} == {tag}
        assert not watch._held


async def test_a_caller_who_leaves_is_held_no_longer(pipeline: Pipeline, hooked: Pipeline) -> None:
    await build(pipeline, "r1", refunds="Refunds are paid.")
    with program(hooked, "--linger", "0") as api:
        await until(api.is_ready)
        async with httpx.AsyncClient(timeout=60) as http:
            tag = (await http.get(f"{api.internal_url}/index")).headers["etag"]
            for _ in range(2 * MOST_HELD):
                with pytest.raises(httpx.ReadTimeout):
                    await http.get(f"{api.internal_url}/index?after={tag}", timeout=0.05)
            # Else all places would be taken, and this one would be answered at once.
            with pytest.raises(httpx.ReadTimeout):
                await http.get(f"{api.internal_url}/index?after={tag}", timeout=2)
            # The program finds no Secret here, but it has read the body before it looks for one.
            body = github().body
            for size, status in ((MAX_BODY_BYTES, 503), (10 * 2**20, 413)):
                signed = {"x-hub-signature-256": f"sha256={sha256(body.ljust(size))}"}
                reply = await http.post(
                    f"{api.url}{PATH}", headers=signed, content=body.ljust(size)
                )
                assert reply.status_code == status, reply.text
            assert (await http.get(f"{api.internal_url}/livez")).status_code == 200

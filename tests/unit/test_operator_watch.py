"""The cache of children, against lists and streams as the API server gives them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from ragwright_operator.desired.serviceaccount import service_account
from ragwright_operator.effects.kube import KubeError, path
from ragwright_operator.effects.watch import Children, KindWatch
from ragwright_operator.plan.difference import covers, stamped
from tests.golden import target


def item(name: str, version: str) -> dict[str, Any]:
    """As in a list: without apiVersion and kind."""
    made = stamped(service_account(target()))
    metadata = {**made["metadata"], "name": name, "resourceVersion": version, "managedFields": [1]}
    listed = {**made, "metadata": metadata}
    del listed["apiVersion"], listed["kind"]
    return listed


Events = AsyncIterator[dict[str, Any]]


class Server:
    """Each list comes in two pages; when the streams are used up, the next never ends."""

    def __init__(self, lists: list[list[dict[str, Any]]], streams: list[list[Any]]) -> None:
        self.lists = lists
        self.streams = streams
        self.page: list[dict[str, Any]] = []

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], seconds: float
    ) -> AsyncIterator[Events]:
        del kind, namespace, query, seconds
        yield self._events(self.streams.pop(0) if self.streams else None)

    async def _events(self, events: list[Any] | None) -> Events:
        if events is None:
            await asyncio.Event().wait()
        for event in events or []:
            if isinstance(event, Exception):
                raise event
            yield event

    async def list(
        self, kind: str, namespace: str | None, labels: str, **query: str
    ) -> dict[str, Any]:
        del kind, namespace
        assert "managed-by=ragwright" in labels
        if "continue" in query:
            return {"items": self.page[1:], "metadata": {"resourceVersion": "9"}}
        self.page = self.lists.pop(0)
        return {"items": self.page[:1], "metadata": {"continue": "2", "resourceVersion": "9"}}


async def followed(server: Server, done: asyncio.Event) -> tuple[KindWatch, list[str]]:
    told: list[str] = []

    def changed(namespace: str, pipeline: str) -> None:
        told.append(f"{namespace}/{pipeline}")
        if not server.lists and not server.streams:
            done.set()

    watch = KindWatch(server, "ServiceAccount", None, changed)  # type: ignore[arg-type]
    task = asyncio.create_task(watch.run())
    await asyncio.wait_for(done.wait(), 10)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return watch, told


GONE = KubeError(410, "Expired", "too old resource version")


@pytest.mark.parametrize(
    "broken",
    [GONE, aiohttp.ServerDisconnectedError(), aiohttp.ClientPayloadError(), ConnectionResetError()],
    ids=lambda error: type(error).__name__,
)
async def test_a_list_of_two_pages_then_events_then_a_new_list_after_an_error(
    broken: Exception,
) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "10"}}}
    deleted = {"type": "DELETED", "object": item("b", "11")}
    added = {"type": "ADDED", "object": item("c", "12")}
    server = Server(
        [[item("a", "1"), item("b", "2")], [item("a", "1"), item("d", "13")]],
        [[bookmark, deleted, added, broken]],
    )
    watch, told = await followed(server, asyncio.Event())
    assert {name for _, name in watch.objects} == {"a", "d"}
    # a, b listed; b deleted; c added; then, unseen: c went and d came.
    assert told == ["team/docs"] * 6
    assert {made["metadata"]["name"] for made in Children((watch,)).of("team", "docs")} == {
        "a",
        "d",
    }
    assert list(Children((watch,)).of("team", "others")) == []


async def test_a_server_in_trouble_is_asked_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            raise asyncio.CancelledError

    async def refuse(*_: object, **__: object) -> None:
        raise KubeError(429, "TooManyRequests", "later")

    server = Server([], [])
    monkeypatch.setattr(server, "list", refuse)
    monkeypatch.setattr("ragwright_operator.effects.watch.asyncio.sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        await KindWatch(server, "Pod", None, lambda *_: None).run()  # type: ignore[arg-type]
    assert pauses == [1, 2, 4, 8, 8]


async def test_a_listed_object_is_as_good_as_a_watched_one() -> None:
    server = Server([[item("docs-api", "1")]], [])
    watch, _ = await followed(server, asyncio.Event())
    [found] = watch.objects.values()
    assert covers(found, stamped(service_account(target())))
    assert "managedFields" not in found["metadata"]


def test_paths() -> None:
    assert path("Pod", None) == "/api/v1/pods"
    assert path("Job", "a", "b") == "/apis/batch/v1/namespaces/a/jobs/b"

"""The cache of children, against lists and streams as the API server gives them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.streams import StreamReader

from ragwright_core.spec import ManagedPostgres
from ragwright_operator.desired.job import cleanup_job
from ragwright_operator.desired.pods import service_account
from ragwright_operator.desired.postgres import volume_claim
from ragwright_operator.effects.children import VIEW, Children, children_watches
from ragwright_operator.effects.kube import Kube, KubeError, path
from ragwright_operator.effects.slim import slim
from ragwright_operator.effects.watch import KindWatch, listed
from ragwright_operator.plan.difference import covers, stamped
from ragwright_operator.world.jobs import read_job
from tests.kit.golden import target


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

    watch = KindWatch(server, "ServiceAccount", None, changed, VIEW)  # type: ignore[arg-type]
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
        await KindWatch(server, "Pod", None, lambda *_: None, VIEW).run()  # type: ignore[arg-type]
    assert pauses == [1, 2, 4, 8, 8]


async def test_a_listed_object_is_as_good_as_a_watched_one() -> None:
    server = Server([[item("docs-api", "1")]], [])
    watch, _ = await followed(server, asyncio.Event())
    [found] = watch.objects.values()
    assert covers(found, stamped(service_account(target())))
    assert "managedFields" not in found["metadata"]


LARGE = {"data": {"text": "x" * 10**6}, "immutable": False}
PIPELINES = {"kind": "RagPipeline", "name": "docs", "uid": "u", "controller": True}


@pytest.mark.parametrize(
    ("kind", "owners", "is_whole"),
    [
        ("ConfigMap", [PIPELINES], True),
        ("ConfigMap", [], False),
        ("ConfigMap", [{**PIPELINES, "controller": False}], False),
        ("ConfigMap", [{**PIPELINES, "kind": "ReplicaSet"}], False),
        ("Pod", [{**PIPELINES, "kind": "ReplicaSet"}], True),
        ("Pod", [], False),
        ("Job", [], False),
        ("PersistentVolumeClaim", [], False),
    ],
)
def test_of_strangers_objects_only_the_metadata_is_kept(
    kind: str, owners: list[dict[str, Any]], *, is_whole: bool
) -> None:
    """Whoever may write in the namespace can put our labels on them."""
    metadata = {
        "name": "a",
        "namespace": "team",
        "resourceVersion": "1",
        "labels": {"app.kubernetes.io/managed-by": "ragwright", "theirs": "x" * 63},
        "annotations": {"theirs": "x" * 10**5, "ragwright.dev/applied": "hash"},
        "ownerReferences": owners,
    }
    spec = {"volumes": [{"name": "v"}], "containers": [{"args": ["x" * 10**5]}]}
    kept = slim({"metadata": metadata, "spec": spec, "status": {"phase": "Running"}, **LARGE}, kind)
    assert ("status" in kept) is is_whole
    assert len(str(kept["metadata"])) < 1000
    assert is_whole or len(str(kept)) < 2000
    assert kept["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "ragwright"}
    if not is_whole:
        assert set(kept) - {"spec"} == {"apiVersion", "kind", "metadata"}


def test_our_labels_are_kept_among_many() -> None:
    ours = {"app.kubernetes.io/managed-by": "ragwright", "ragwright.dev/pipeline": "docs"}
    labels = {**{f"app.kubernetes.io/{number}": "x" for number in range(50)}, **ours}
    kept = slim({"metadata": {"name": "a", "labels": labels}}, "PersistentVolumeClaim")
    assert ours.items() <= kept["metadata"]["labels"].items()


def hostile(kind: str, number: int) -> dict[str, Any]:
    """An object of about 1 MB with our labels, large wherever its kind may be."""
    text = "x" * 10**5
    words = {f"ragwright.dev/{n}": text for n in range(2)}
    volumes = [{"name": text, "configMap": {"name": "a"}}, {"name": "order", "emptyDir": {}}]
    owner = {"kind": "Lease", "name": text, "uid": text, "controller": True}
    ours = {"app.kubernetes.io/managed-by": "ragwright", "app.kubernetes.io/component": "cleanup"}
    many = {f"ragwright.dev/{n}": "x" * 63 for n in range(500)}
    return {
        "metadata": {
            "name": f"n{number}",
            "namespace": "team",
            "resourceVersion": "1",
            "labels": {**ours, **many},
            "annotations": words,
            "ownerReferences": [owner, *({**owner, "controller": False} for _ in range(2))],
        },
        "spec": {
            "selector": {"matchLabels": {"a": text}},
            "resources": {"requests": {"storage": "1Gi", "of/theirs": text}},
            "template": {"spec": {"volumes": volumes, "containers": [{"args": [text]}]}},
        },
        "status": {
            "conditions": [
                {"type": kind, "status": "True", "message": text} for kind in ("Failed", "X")
            ]
        },
        "data": {"text": text},
    }


class Flood:
    """Every list has 200 objects of 1 MB."""

    def __init__(self) -> None:
        self.limits: list[int] = []
        self.at_once = self.most_at_once = 0

    async def list(
        self, kind: str, namespace: str | None, labels: str, **query: str
    ) -> dict[str, Any]:
        del namespace, labels
        self.limits.append(int(query["limit"]))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        first = int(query.get("continue", 0))
        after = first + self.limits[-1]
        more = {"continue": str(after)} if after < 200 else {}
        items = [hostile(kind, number) for number in range(first, after)]
        return {"items": items, "metadata": {"resourceVersion": "9", **more}}

    @asynccontextmanager
    async def watch(self, *_: object) -> AsyncIterator[Events]:
        await asyncio.Event().wait()
        yield Server([], [])._events(None)


async def test_a_flood_of_large_objects_is_read_in_small_pages_and_not_kept() -> None:
    flood = Flood()
    children = children_watches(flood, (), lambda *_: None)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(watch.run()) for watch in children.watches]
    async with asyncio.timeout(30):
        await listed(children.watches)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert max(flood.limits) <= 10
    assert flood.most_at_once <= 2
    for watch in children.watches:
        kept = list(watch.objects.values())
        assert len(kept) == 200
        assert max(len(json.dumps(made)) for made in kept) < 10_000, watch.kind


def test_a_clean_up_and_a_claim_keep_what_plans_read() -> None:
    made = target()
    metadata = {"uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    job = cleanup_job(made).job
    job = {**job, "metadata": {**job["metadata"], **metadata}}
    job["status"] = {
        "failed": 2,
        "conditions": [{"type": "Failed", "status": "True", "reason": "R", "message": "m"}],
    }
    assert read_job(slim(job, "Job")) == read_job(job)
    assert read_job(job).order_map
    for storage_class in (None, "fast"):
        claim = stamped(volume_claim(made, ManagedPostgres(storage_class_name=storage_class)))
        listed = {**claim, "metadata": {**claim["metadata"], **metadata}, "status": {"a": "b"}}
        assert covers(slim(listed, "PersistentVolumeClaim"), claim)


class Streams:
    """A client of the API server that is sent these bytes, in pieces."""

    def __init__(self, sent: bytes) -> None:
        self.status = 200
        self.response = Mock()
        self.response.content = StreamReader(
            Mock(), 2**21, timer=None, loop=asyncio.get_running_loop()
        )
        for at in range(0, len(sent), 2**16):
            self.response.content.feed_data(sent[at : at + 2**16])
        self.response.content.feed_eof()

    async def param_serialize(self, *_: object, **__: object) -> tuple[()]:
        return ()

    async def call_api(self, **_: object) -> Streams:
        return self


async def test_an_event_of_any_size_an_object_may_have() -> None:
    """1 MB of `<` are 6 MB of JSON as the API server writes it."""
    large = {"type": "MODIFIED", "object": {"metadata": {}, "data": {"a": "\\u003c" * 10**6}}}
    small = {"type": "DELETED", "object": {"metadata": {"name": "b"}}}
    lines = [json.dumps(event).replace("\\\\u", "\\u") for event in (small, large, small)]
    client = Streams("".join(f"{line}\n" for line in lines).encode())
    async with Kube(client).watch("ConfigMap", None, {}, 1.0) as events:
        found = [event async for event in events]
    assert [event["type"] for event in found] == ["DELETED", "MODIFIED", "DELETED"]
    assert found[1]["object"]["data"]["a"] == "<" * 10**6


async def test_an_event_that_never_ends_begins_the_watch_anew() -> None:
    client = Streams(b"x" * (20 * 2**20))
    async with Kube(client).watch("ConfigMap", None, {}, 1.0) as events:
        with pytest.raises(ValueError, match="too long"):
            await anext(events)


def test_paths() -> None:
    assert path("Pod", None) == "/api/v1/pods"
    assert path("Job", "a", "b") == "/apis/batch/v1/namespaces/a/jobs/b"

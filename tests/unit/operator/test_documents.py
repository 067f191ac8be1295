"""A ConfigMap of documents that changes is built from, by itself and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.report import Problem, Reason
from ragwright_core.spec import KIND, REINDEX_ANNOTATION
from ragwright_core.status import PipelineStatus
from ragwright_operator.effects.documents import documents_watches
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.watch import listed
from ragwright_operator.running.registry import Registry
from tests.kit.operator import apply, live, loads, one_round, passed, pipeline, rounds
from tests.kit.operator_world import NAME, World

TWO = [
    {"name": "handbook", "configMap": {"name": "handbook"}},
    {"name": "rules", "configMap": {"name": "rules"}},
]


async def built(**spec: Any) -> World:
    """A world in which version 1 is live, made of ConfigMaps that have not changed since."""
    world = apply(pipeline(**spec))
    world.documents = {"handbook": "1", "rules": "1"}
    await rounds(world)
    assert live(world) == 1
    return world


async def test_a_change_is_built_after_a_pause_for_others() -> None:
    world = await built(sources=TWO)
    world.documents["handbook"] = "2"
    await one_round(world)
    assert loads(world) == 1
    waits = world.condition("Reindexing")
    assert (waits.status, waits.reason) == ("False", "Waiting")
    assert "documents changed: ConfigMap handbook; a build begins at" in waits.message
    world.documents["rules"] = "2"
    world.now += timedelta(seconds=3)
    await rounds(world)
    assert (loads(world), live(world)) == (2, 2)
    assert world.status.history[0].why == "documents changed: ConfigMap handbook, rules"
    await passed(world)
    assert loads(world) == 2


async def test_what_changes_while_a_build_runs_is_built_after_it() -> None:
    world = await built()
    world.running = {"load"}
    world.annotate(REINDEX_ANNOTATION, "again")
    await one_round(world)
    for version in ("2", "3", "4"):
        world.documents["handbook"] = version
        await one_round(world)
    assert loads(world) == 2
    world.running = set()
    await passed(world)
    await passed(world)
    assert (loads(world), live(world)) == (3, 3)


async def test_what_a_build_has_read_is_not_built_again_when_the_watch_tells_it_later() -> None:
    world = await built()
    world.shown = dict(world.documents)
    world.documents["handbook"] = "2"
    world.annotate(REINDEX_ANNOTATION, "again")
    await passed(world)
    assert (loads(world), live(world)) == (2, 2)
    world.shown = None
    await passed(world)
    await passed(world)
    assert loads(world) == 2


async def test_a_change_there_and_back_within_the_pause_builds_nothing() -> None:
    world = await built()
    world.documents["handbook"] = "2"
    await one_round(world)
    world.documents["handbook"] = "1"
    await passed(world)
    assert loads(world) == 1


@pytest.mark.parametrize("gone", [True, False])
async def test_a_config_map_that_goes_or_comes_is_a_change(*, gone: bool) -> None:
    world = await built()
    if not gone:
        del world.documents["handbook"]
        await passed(world)
        assert loads(world) == 2
        world.documents["handbook"] = "1"
    else:
        del world.documents["handbook"]
    await passed(world)
    assert loads(world) == 2 + (not gone)


async def test_while_pinned_or_suspended_it_is_remembered_once() -> None:
    world = await built(reindex={"keep": 1, "pin": None})
    world.edit_spec(reindex={"keep": 1, "pin": 1})
    for version in ("2", "3"):
        world.documents["handbook"] = version
        await passed(world)
    assert loads(world) == 1
    world.edit_spec(reindex={"keep": 1}, suspend=True)
    world.documents["handbook"] = "4"
    for _ in range(3):
        await one_round(world)
        world.now += timedelta(seconds=10)
    assert loads(world) == 1
    told = world.condition("Reindexing")
    assert (told.reason, "documents changed" in told.message) == ("Suspended", True)
    world.edit_spec(suspend=False)
    await passed(world)
    assert (loads(world), live(world)) == (2, 2)


async def test_a_change_may_cure_a_build_that_failed() -> None:
    world = await built()
    world.problems["load"] = Problem(reason=Reason.SOURCE_NOT_FOUND, message="no documents")
    world.annotate(REINDEX_ANNOTATION, "again")
    for _ in range(4):
        await one_round(world)
        world.settle()
    assert world.status.operator.build is not None
    assert world.status.operator.build.outcome == "failed"
    world.problems.clear()
    world.documents["handbook"] = "2"
    await passed(world, 3)
    assert live(world) == 2
    assert world.status.history[0].why == "documents changed: ConfigMap handbook"


async def test_what_an_older_release_built_is_looked_at_once() -> None:
    world = await built()
    status = world.objects[KIND, NAME]["status"]
    del status["operator"]["build"]["documents"]
    assert PipelineStatus.model_validate(status).operator.build is not None
    await passed(world)
    await passed(world)
    assert loads(world) == 2


async def test_what_was_read_is_known_until_the_watch_tells_more() -> None:
    server = Server()
    found = documents_watches(server, (), Registry().wake_readers)  # type: ignore[arg-type]
    [watch] = found.watches
    watch.know(("team", "gone"), config_map("gone", "1"))
    read = await found.read("team", ["handbook", "gone"])
    assert read.keys() == {"handbook"}
    assert found.seen("team", ["handbook", "gone"]) == read
    assert len(str(watch.objects)) < 200


@dataclass
class Server:
    """Lists and streams ConfigMaps; asked for metadata only, it has no text to give."""

    metadata_only: bool = False
    asked: list[str] = field(default_factory=list)
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        assert (kind, namespace, self.metadata_only) == ("ConfigMap", "team", True)
        if name != "handbook":
            raise KubeError(404, "NotFound", f"{name} not found")
        return config_map(name, "7")

    async def list(
        self, kind: str, namespace: str | None, labels: str, **query: str
    ) -> dict[str, Any]:
        assert (kind, namespace, self.metadata_only) == ("ConfigMap", None, True)
        assert query.keys() <= {"limit", "continue"}
        self.asked.append(labels)
        return {"items": [config_map("handbook", "1")], "metadata": {"resourceVersion": "1"}}

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], seconds: float
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        del kind, namespace, seconds
        self.asked.append(query["labelSelector"])
        yield self._stream()

    async def _stream(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self.events.get()


def config_map(name: str, version: str) -> dict[str, Any]:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "x" * 10_000}
    metadata = {"name": name, "namespace": "team", "uid": "u", "resourceVersion": version}
    return {"metadata": {**metadata, "annotations": annotations}}


async def test_only_those_who_read_a_config_map_are_woken_and_nothing_of_its_text_is_kept() -> None:
    server, registry = Server(), Registry()
    reader, other = registry.entry("team", "docs"), registry.entry("team", "other")
    elsewhere = registry.entry("else", "docs")
    reader.reads = elsewhere.reads = frozenset({"handbook"})
    found = documents_watches(server, (), registry.wake_readers)  # type: ignore[arg-type]
    [watch] = found.watches
    task = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        await listed(found.watches)
        before = found.seen("team", ["handbook", "missing"])
        reader.woken.clear()
        server.events.put_nowait({"type": "MODIFIED", "object": config_map("handbook", "2")})
        await reader.woken.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    after = found.seen("team", ["handbook", "missing"])
    assert before.keys() == after.keys() == {"handbook"}
    assert before != after
    assert not other.woken.is_set()
    assert not elsewhere.woken.is_set()
    assert set(server.asked) == {"app.kubernetes.io/managed-by!=ragwright"}
    assert len(str(watch.objects)) < 200

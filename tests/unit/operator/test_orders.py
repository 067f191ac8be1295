"""Orders of Jobs: mounted, never changed, there before their Job and gone after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.orders import BuildOrder, BuildSpec
from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.desired.annotations import NOTE
from ragwright_operator.desired.notes import BuildNote
from ragwright_operator.desired.target import BUILD_STEPS
from ragwright_operator.effects.slim import slim
from ragwright_operator.world.jobs import read_job
from tests.kit.golden import AT, EXTERNAL, build, target
from tests.kit.largest import largest
from tests.kit.operator import (
    PIN_1,
    apply,
    one_round,
    pipeline,
    reconciler,
    rounds,
    two_versions,
)
from tests.kit.operator_world import NAME, NAMESPACE, Killed, World

NAMES = PipelineName(NAMESPACE, NAME)
EXTERNAL_STORES = {
    "database": {"secretKeyRef": {"name": "pg"}},
    "cache": {"secretKeyRef": {"name": "r"}},
}


def orders(world: World) -> list[str]:
    return [name for name in world.names("ConfigMap") if "-load-" in name or "-index-" in name]


def order_of(world: World, job: str) -> str:
    volumes = world.objects["Job", job]["spec"]["template"]["spec"]["volumes"]
    return str(next(v["configMap"]["name"] for v in volumes if v["name"] == "order"))


async def begun() -> tuple[World, str]:
    """A world whose first load has just begun, and runs."""
    world = apply(pipeline(**EXTERNAL_STORES))
    world.running |= {"load"}
    await one_round(world)
    [load] = world.names("Job")
    return world, load


async def test_an_order_is_there_before_its_job_and_gone_after_it() -> None:
    world, load = await begun()
    assert orders(world) == [order_of(world, load)]
    assert world.created.index(("ConfigMap", order_of(world, load))) < world.created.index(
        ("Job", load)
    )
    config_map = world.objects["ConfigMap", order_of(world, load)]
    assert config_map["immutable"] is True
    assert config_map["metadata"]["ownerReferences"][0]["kind"] == "RagPipeline"
    world.running.clear()
    await rounds(world)
    assert (world.names("Job"), orders(world)) == ([], [])


@pytest.mark.parametrize("step", ["load", "index"])
async def test_killed_between_an_order_and_its_job_nothing_is_left_behind(step: str) -> None:
    faultless = apply(pipeline(**EXTERNAL_STORES))
    await rounds(faultless)
    world = apply(pipeline(**EXTERNAL_STORES))
    [job] = [name for kind, name in faultless.created if kind == "Job" and f"-{step}-" in name]
    world.dies_before = ("Job", job)
    with pytest.raises(Killed):
        await rounds(world)
    assert [name for name in orders(world) if name.startswith(job)] != []
    assert job not in world.names("Job")
    await rounds(world)
    assert world.shape() == faultless.shape()


async def test_an_order_whose_job_was_never_made_goes_when_another_is_wanted() -> None:
    world, load = await begun()
    stale = order_of(world, load)
    del world.objects["Job", load]
    world.edit_spec(chunking={"maxCharacters": 500})
    await one_round(world)
    assert stale not in orders(world)


async def test_a_job_that_does_not_show_yet_keeps_its_order() -> None:
    """Jobs and ConfigMaps come by watches of their own; meanwhile builds may be held."""
    world, load = await begun()
    job = world.objects.pop(("Job", load))
    world.edit_spec(suspend=True)
    await one_round(world)
    assert order_of_job(job) in orders(world)


def order_of_job(job: dict[str, Any]) -> str:
    return str(read_job(job).order_map)


async def test_an_order_left_by_a_crash_is_not_taken_for_one_that_says_something_else() -> None:
    """What does not shape the index may have changed between the order and its Job."""
    world, load = await begun()
    stale = order_of(world, load)
    del world.objects["Job", load]
    world.edit_spec(reindex={"keep": 3})
    await one_round(world)
    assert order_of(world, load) != stale
    world.running.clear()
    await rounds(world)
    assert orders(world) == []


@pytest.mark.parametrize(
    "theirs", [{"data": {"order.json": "{}"}}, {"immutable": False}], ids=["other", "may-change"]
)
async def test_a_strangers_order_is_never_run(theirs: dict[str, Any]) -> None:
    world, load = await begun()
    name = order_of(world, load)
    del world.objects["Job", load]
    world.objects["ConfigMap", name] |= theirs
    await one_round(world)
    assert world.names("Job") == []
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "NameTaken")
    assert f"ConfigMap {name}" in degraded.message
    world.remove("ConfigMap", name)
    world.running.clear()
    await rounds(world)
    assert world.condition("Degraded").status == "False"
    assert world.status.index.live is not None


def test_an_order_holds_only_what_its_job_reads() -> None:
    _, config_map = build(target(EXTERNAL), "load")
    order = json.loads(config_map["data"]["order.json"])
    assert set(order["spec"]) == {
        "sources", "chunking", "embedding", "retrieval", "cache", "reindex", "ingest",
    }  # fmt: skip
    assert set(order["spec"]["cache"]) == {"embeddingTtlSeconds"}
    assert set(order["spec"]["ingest"]) == {"indexWorkers"}
    assert BuildOrder.read(order)[1] == ()


def test_the_watch_keeps_no_order_in_memory_and_reads_the_jobs_note() -> None:
    job, config_map = build(target(EXTERNAL), "index", 3)
    assert "data" not in slim(config_map, "ConfigMap")
    created = {"creationTimestamp": "2026-11-23T08:00:00Z"}
    read = read_job({**job, "metadata": {**job["metadata"], **created}})
    assert read.order_map == config_map["metadata"]["name"]
    assert read.note == BuildNote(
        request="0123456789abcdef" * 4,
        attempt=3,
        why="first build",
        at=AT,
        secret_key=target(EXTERNAL).spec.embedding.secret_key_ref,
    )
    assert len(job["metadata"]["annotations"][NOTE]) < 300


def test_the_note_of_another_release_is_read() -> None:
    job, _ = build(target(EXTERNAL), "index")
    at = "2026-11-23T08:00:00Z"
    note = {"request": "r", "attempt": 1, "at": at, "mood": "good"}
    annotations = {NOTE: json.dumps(note)}
    metadata = {"name": "j", "creationTimestamp": at, "labels": job["metadata"]["labels"]}
    read = read_job({**job, "metadata": {**metadata, "annotations": annotations}})
    assert (read.note, read.ignored) == (BuildNote(request="r", attempt=1, at=AT), ("mood",))
    assert read_job({**job, "metadata": metadata}).note is None


def test_the_largest_spec_that_is_admitted_fits_into_an_order() -> None:
    made = target(largest())
    assert len(made.spec.sources) == 20
    for step in BUILD_STEPS:
        _, config_map = build(made, step)
        [text] = config_map["data"].values()
        # Kubernetes ends a ConfigMap at 1 MiB; 5 % are left for what is added.
        assert 800_000 < len(text.encode()) < 0.95 * 2**20


def test_whatever_an_order_takes_from_the_spec_is_bounded() -> None:
    assert BuildSpec.model_fields.keys() <= RagPipelineSpec.model_fields.keys()
    assert list(_unbounded(RagPipelineSpec.model_json_schema())) == []


def _unbounded(node: Any, where: str = "") -> Iterator[str]:
    """Texts and lists without a longest length."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    fixed = "enum" in node or "const" in node
    if node.get("type") == "string" and "maxLength" not in node and not fixed:
        yield where
    if node.get("type") == "array" and "maxItems" not in node:
        yield where
    for key, child in node.items():
        if key not in ("default", "x-kubernetes-list-map-keys", "x-kubernetes-validations"):
            yield from _unbounded(child, f"{where}/{key}")


async def test_hosts_that_the_administrator_allows_reach_jobs_and_api_pods() -> None:
    world = apply(pipeline(**EXTERNAL_STORES))
    world.running |= {"load"}
    await reconciler(world, allowed_hosts=("*.svc", "10.0.0.0/8")).reconcile(NAMESPACE, NAME)
    documents = [
        json.loads(text)
        for (kind, _), item in world.objects.items()
        if kind == "ConfigMap"
        for text in item["data"].values()
    ]
    assert len(documents) == 2
    assert [found["allowedHosts"] for found in documents] == [["*.svc", "10.0.0.0/8"]] * 2


async def test_a_swap_carries_the_term_that_it_was_planned_on() -> None:
    """Also when its Job has to be made again after another swap."""
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    world.running |= {"swap"}
    await one_round(world)
    await one_round(world)
    [job] = [name for name in world.names("Job") if "-swap-" in name]
    planned = world.swap_order(world.objects["Job", job])
    task = world.status.operator.swap
    assert task is not None
    assert planned.term == task.term == 2

    del world.objects["Job", job]
    assert world.live is not None
    world.live = world.live.model_copy(update={"term": 4})
    await one_round(world)
    [again] = [name for name in world.names("Job") if "-swap-" in name]
    assert (again, world.swap_order(world.objects["Job", again]).term) == (job, 2)

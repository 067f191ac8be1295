"""Settings of API pods: never changed, and there for as long as a pod may start with them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from ragwright_core.names import PipelineName
from ragwright_core.report import Counts, IndexSummary, Report
from ragwright_core.spec import KIND
from ragwright_operator.running.reconcile import Reconciler
from tests.kit.operator import apply, one_round, reconciler, rounds
from tests.kit.operator_world import NAME, NAMESPACE, World

NAMES = PipelineName(NAMESPACE, NAME)
LABELS = {
    "app.kubernetes.io/managed-by": "ragwright",
    "app.kubernetes.io/component": "api",
    "ragwright.dev/pipeline": NAME,
}


def settings(world: World) -> list[str]:
    return [name for name in world.names("ConfigMap") if name.startswith(NAMES.api)]


def add_api_pod(world: World, name: str, config_map: str) -> None:
    volumes = [{"name": "settings", "configMap": {"name": config_map}}]
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    world.add_pod(name, LABELS, status=ready, volumes=volumes)


def top_k(world: World, config_map: str) -> int:
    text = world.objects["ConfigMap", config_map]["data"]["settings.json"]
    return int(json.loads(text)["retrieval"]["topK"])


async def test_an_old_pod_that_restarts_in_mid_upgrade_reads_what_it_was_made_for() -> None:
    world = apply()
    await rounds(world)
    [old] = settings(world)
    add_api_pod(world, "old", old)
    world.edit_spec(retrieval={"topK": 9})
    await rounds(world)
    assert len(settings(world)) == 2
    [new] = set(settings(world)) - {old}
    assert (top_k(world, old), top_k(world, new)) == (5, 9)
    world.remove("Pod", "old")
    await rounds(world)
    assert settings(world) == [new]


async def test_settings_stay_until_no_replica_set_can_make_a_pod_with_them() -> None:
    world = apply()
    await rounds(world)
    [old] = settings(world)
    world.edit_spec(retrieval={"topK": 9})
    await one_round(world)
    deployment = world.objects["Deployment", NAMES.api]
    assert deployment["status"]["observedGeneration"] < deployment["metadata"]["generation"]
    await one_round(world)
    assert old in settings(world), "its controller has not seen the new template"
    deployment["status"] |= {"observedGeneration": deployment["metadata"]["generation"]}
    deployment["status"] |= {"replicas": 4, "updatedReplicas": 1}
    await one_round(world)
    assert old in settings(world), "an old ReplicaSet has three pods"
    deployment["status"] |= {"replicas": 3, "updatedReplicas": 3}
    await one_round(world)
    assert old not in settings(world)


async def test_a_pod_that_is_being_deleted_holds_nothing() -> None:
    world = apply()
    await rounds(world)
    [old] = settings(world)
    add_api_pod(world, "old", old)
    world.objects["Pod", "old"]["metadata"]["deletionTimestamp"] = "2026-11-23T08:00:00Z"
    world.edit_spec(retrieval={"topK": 9})
    await rounds(world)
    assert old not in settings(world)


async def test_the_map_of_the_release_before_goes_too() -> None:
    """It had the name of the API itself, and could be changed."""
    world = apply()
    await rounds(world)
    [now] = settings(world)
    owner = world.objects["ConfigMap", now]["metadata"]["ownerReferences"]
    metadata = {
        "name": NAMES.api,
        "namespace": NAMESPACE,
        "labels": LABELS,
        "ownerReferences": owner,
    }
    world.objects["ConfigMap", NAMES.api] = {"kind": "ConfigMap", "metadata": metadata, "data": {}}
    add_api_pod(world, "old", NAMES.api)
    await rounds(world)
    assert settings(world) == [now, NAMES.api]
    world.remove("Pod", "old")
    await rounds(world)
    assert settings(world) == [now]


async def test_settings_under_our_name_that_are_not_ours_are_made_anew() -> None:
    world = apply()
    await rounds(world)
    whole, [name] = world.shape(), settings(world)
    world.objects["ConfigMap", name]["data"] = {"settings.json": "{}"}
    await rounds(world)
    assert world.shape() == whole
    assert ("ConfigMap", name) in world.deleted


def strangers(log: list[Any]) -> list[tuple[str, list[str]]]:
    return [
        (line["of"], line["fields"]) for line in log if line["event"] == "fields of another release"
    ]


async def told(world: World, looking: Reconciler) -> list[tuple[str, list[str]]]:
    with capture_logs() as log:
        for _ in range(3):
            await looking.reconcile(NAMESPACE, NAME)
    return strangers(log)


async def test_fields_of_another_release_are_named_once() -> None:
    world = apply()
    await rounds(world)
    looking = reconciler(world)
    assert await told(world, looking) == []
    report = Report(outcome="loaded", number=1, counts=Counts(documents=2))
    world.add_pod("job-pod", LABELS, job="some-job", report=report, phase="Succeeded")
    state = world.objects["Pod", "job-pod"]["status"]["containerStatuses"][0]["state"]
    written = json.loads(state["terminated"]["message"])
    written["counts"]["pages"] = 7
    state["terminated"]["message"] = json.dumps(written)
    world.objects[KIND, NAME]["status"]["mood"] = "good"
    assert sorted(await told(world, looking)) == [
        ("report", ["counts.pages"]),
        ("status", ["mood"]),
    ]
    world.objects[KIND, NAME]["status"]["mood"] = "good"
    assert await told(world, looking) == [], "read in every round, told once"
    looking.strangers.forget(NAMES)
    assert [of for of, _ in await told(world, looking)].count("report") == 1


async def test_a_report_in_unknown_words_is_had_again_from_a_job_of_this_release() -> None:
    world = apply()
    for _ in range(3):
        await one_round(world)
        if not world.names("Job"):
            world.settle()
    [load] = world.names("Job")
    world.finish(load, Report(outcome="loaded", number=1))
    [pod] = [name for name in world.names("Pod") if name.startswith(load)]
    state = world.objects["Pod", pod]["status"]["containerStatuses"][0]["state"]
    state["terminated"]["message"] = '{"outcome": "halfDone", "number": 1}'
    await one_round(world)
    await one_round(world)
    assert "another release" in world.status.history[0].message
    world.now += timedelta(seconds=15)
    await rounds(world)
    assert world.condition("Ready").status == "True"


def test_a_summary_of_a_newer_release_is_read() -> None:
    summary, unknown = IndexSummary.read(b'{"previous": 1, "shards": 3}')
    assert (summary.previous, unknown) == (1, ("shards",))

"""Pods that may not be made: told for every kind of controller, with the command that says why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND, REINDEX_ANNOTATION
from ragwright_operator.running.delete import DeletionWaits, delete
from ragwright_operator.wanted.decide import PENDING_SECONDS
from tests.kit.operator import apply, one_round, pipeline, pod_of_api, reconciler, rounds
from tests.kit.operator_world import NAME, NAMESPACE, World

NAMES = PipelineName(NAMESPACE, NAME)
SECOND = timedelta(seconds=1)


async def _wait(world: World, seconds: int) -> None:
    """Rounds of one second each."""
    for _ in range(seconds):
        await one_round(world)
        world.settle()
    await one_round(world)


@pytest.mark.parametrize(
    ("component", "kind", "name"),
    [
        ("api", "deployment", NAMES.api),
        ("redis", "deployment", NAMES.redis),
        ("postgres", "statefulset", NAMES.postgres),
        ("load", "job", "-load-1"),
        ("index", "job", "-index-1"),
    ],
)
async def test_a_controller_without_a_pod_is_told_by_name(
    component: str, kind: str, name: str
) -> None:
    world = apply()
    world.podless.add(component)
    await _wait(world, 40)
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "PodsRefused")
    assert f"kubectl -n {NAMESPACE} describe {kind} " in degraded.message
    assert name in degraded.message
    told = [item.message for item in world.status.conditions]
    assert not any("describe pod" in message or "get pod" in message for message in told)
    assert "PodsRefused" in world.events()
    world.podless.clear()
    world.settle()
    await rounds(world)
    assert world.condition("Degraded").status == "False"
    assert "podless" not in world.objects[KIND, NAME]["status"]["operator"]


async def test_a_build_without_a_pod_is_looked_at_rarely() -> None:
    """300 builds that waited for a node cost a third of a core."""
    world = apply()
    world.podless.add("load")
    await _wait(world, 40)
    made = await one_round(world)
    assert made is not None
    assert not made.changed
    assert made.again_seconds == PENDING_SECONDS


async def test_a_swap_without_a_pod_is_told() -> None:
    world = apply(pipeline(reindex={"keep": 1}))
    await rounds(world)
    pod_of_api(world)
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    world.podless.add("swap")
    world.edit_spec(reindex={"keep": 1, "pin": 1})
    await _wait(world, 30)
    assert world.condition("Degraded").reason == "PodsRefused"
    assert "-swap-1" in world.condition("Degraded").message


async def test_a_moment_without_a_pod_is_no_trouble_and_costs_no_write() -> None:
    world = apply()
    world.podless.add("load")
    await _wait(world, 3)
    assert world.condition("Degraded").status == "False"
    assert world.status.operator.podless == {}


async def test_a_pod_that_is_replaced_has_its_time_again() -> None:
    """The Deployment is old, so that its age says nothing."""
    world = apply()
    await rounds(world)
    world.now += timedelta(hours=1)
    world.podless.add("redis")
    world.settle()
    await _wait(world, 10)
    assert world.condition("Degraded").status == "False"
    await _wait(world, 20)
    assert world.condition("Degraded").reason == "PodsRefused"


async def test_a_job_that_waits_between_two_tries_is_no_trouble_yet() -> None:
    """After two failures Kubernetes itself waits for 20 s."""
    world = apply()
    world.running.add("load")
    await _wait(world, 4)
    [job] = world.names("Job")
    labels = world.objects["Job", job]["metadata"]["labels"]
    for number in range(2):
        world.add_pod(f"{job}-{number}", labels, job=job, phase="Failed")
    world.podless.add("load")
    world.objects["Job", job]["status"] = {"failed": 2}
    await _wait(world, 35)
    assert world.condition("Degraded").status == "False"
    await _wait(world, 10)
    assert world.condition("Degraded").reason == "PodsRefused"


async def test_a_deployment_tells_in_the_api_servers_words() -> None:
    world = apply()
    await rounds(world)
    said = 'pods "docs-redis-1" is forbidden: exceeded quota: q, requested: pods=1'
    failure = {"type": "ReplicaFailure", "status": "True", "message": said}
    world.objects["Deployment", NAMES.redis]["status"] = {"replicas": 0, "conditions": [failure]}
    await one_round(world)
    assert said in world.condition("Degraded").message
    assert said in world.condition("CacheAvailable").message


async def test_a_cleanup_without_a_pod_is_an_event_before_the_pipeline_goes() -> None:
    external: dict[str, Any] = {"database": {"secretKeyRef": {"name": "cnpg"}}}
    world = apply(pipeline(**external, deletionPolicy="Delete"))
    await rounds(world)
    world.podless.add("cleanup")
    for _ in range(25):
        with pytest.raises(DeletionWaits):
            await delete(reconciler(world), world.objects[KIND, NAME], SECOND)
        world.settle()
    assert world.events().count("PodsRefused") == 1
    [told] = [
        item["message"]
        for (kind, _), item in world.objects.items()
        if kind == "Event" and item["reason"] == "PodsRefused"
    ]
    assert f"kubectl -n {NAMESPACE} describe job {NAMES.cleanup_job}" in told
    await delete(reconciler(world), world.objects[KIND, NAME], timedelta(seconds=50))
    assert world.events().count("CleanupUnfinished") == 1


async def test_an_earlier_cleanup_without_a_pod_is_told_to_the_next_pipeline() -> None:
    external: dict[str, Any] = {"database": {"secretKeyRef": {"name": "cnpg"}}}
    world = apply(pipeline(**external, deletionPolicy="Delete"))
    await rounds(world)
    with pytest.raises(DeletionWaits):
        await delete(reconciler(world), world.objects[KIND, NAME], SECOND)
    world.podless.add("cleanup")
    world.objects[KIND, NAME]["status"] = {}
    await _wait(world, 30)
    assert NAMES.cleanup_job in world.condition("Degraded").message
    assert world.condition("Degraded").reason == "PodsRefused"

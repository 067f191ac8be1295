"""An autoscaler decides how many API pods there are, and nobody else does meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.replicas import let_go_of_replicas
from tests.kit.operator import apply, one_round, pipeline, rounds
from tests.kit.operator_world import World

API = ("Deployment", "docs-api")
SCALER = ("HorizontalPodAutoscaler", "docs-api")
FEW = {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}


def replicas(world: World) -> int:
    return int(world.objects[API]["spec"]["replicas"])


async def scaled_to(number: int) -> World:
    """A world whose autoscaler has set this number."""
    world = apply()
    await rounds(world)
    world.edit_spec(api=FEW)
    await rounds(world)
    world.objects[API]["spec"]["replicas"] = number
    world.settle()
    return world


async def test_an_autoscaler_begins_with_the_pods_that_are_there() -> None:
    world = apply()
    await rounds(world)
    assert SCALER not in world.objects
    world.edit_spec(api={"autoscaling": {"maxReplicas": 6, "targetCPUPercent": 50}})
    await rounds(world)
    assert replicas(world) == 3
    scaler = world.objects[SCALER]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 6)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert scaler["scaleTargetRef"]["name"] == "docs-api"


async def test_what_it_sets_stays_when_something_else_changes() -> None:
    world = await scaled_to(5)
    await rounds(world)
    assert replicas(world) == 5
    world.edit_spec(api={**FEW, "resources": {"requests": {"cpu": "1"}}})
    await rounds(world)
    assert replicas(world) == 5
    assert world.condition("ApiAvailable").message == "5 of 5 pods answer"
    assert world.condition("Reconciling").reason == "Served"


async def test_without_it_the_spec_counts_again() -> None:
    world = await scaled_to(5)
    world.edit_spec(api={"replicas": 2})
    await rounds(world)
    assert replicas(world) == 2
    assert SCALER not in world.objects


async def test_one_of_many_pods_may_be_evicted_at_a_time() -> None:
    world = apply(pipeline(api={"replicas": 1}))
    await rounds(world)
    assert world.names("PodDisruptionBudget") == []
    world.edit_spec(api={"replicas": 1, **FEW})
    await rounds(world)
    assert world.names("PodDisruptionBudget") == ["docs-api"]


async def blind(world: World, reason: str) -> World:
    world.objects[SCALER]["status"] = {
        "conditions": [
            {
                "type": "ScalingActive",
                "status": "False",
                "reason": reason,
                "message": "failed to get cpu utilization: no metrics known",
                "lastTransitionTime": world.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ]
    }
    await one_round(world)
    assert world.condition("Degraded").status == "False"
    world.now += timedelta(minutes=4)
    await one_round(world)
    return world


async def test_an_autoscaler_without_figures_is_told() -> None:
    world = await blind(await scaled_to(3), "FailedGetResourceMetric")
    degraded = world.condition("Degraded")
    assert degraded.reason == "AutoscalerBlind"
    assert "no metrics known. Is metrics-server installed?" in degraded.message


async def test_one_that_was_switched_off_is_no_trouble() -> None:
    world = await blind(await scaled_to(3), "ScalingDisabled")
    assert world.condition("Degraded").status == "False"


@pytest.mark.parametrize(
    ("status", "stops"),
    [(409, False), (403, True)],
)
async def test_who_changed_the_number_in_this_moment_holds_it(status: int, stops: bool) -> None:
    world = await scaled_to(4)
    world.refuse[API] = KubeError(status, "Conflict" if status == 409 else "Forbidden", "no")
    manifest: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "docs-api", "namespace": "team"},
        "spec": {},
    }
    if stops:
        with pytest.raises(KubeError):
            await let_go_of_replicas(world, manifest)  # type: ignore[arg-type]
    else:
        await let_go_of_replicas(world, manifest)  # type: ignore[arg-type]
        assert API in world.replicas_held

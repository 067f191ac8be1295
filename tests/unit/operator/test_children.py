"""A pipeline's children: applied, repaired, refused when they are not ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND, MOVE_ANNOTATION
from ragwright_operator.effects.kube import KubeError
from tests.kit.operator import apply, one_round, pipeline, pod_of_api, rounds
from tests.kit.operator_world import NAME, NAMESPACE

NAMES = PipelineName(NAMESPACE, NAME)


def secret_of(name: str) -> str:
    """The server whose Secret this is."""
    return name.rpartition("-")[0]


async def test_whoever_mounts_the_managed_password_waits_for_its_volume() -> None:
    world = apply()
    await one_round(world)
    assert NAMES.postgres not in world.names("StatefulSet")
    assert NAMES.api not in world.names("Deployment")
    assert [secret_of(name) for name in world.names("Secret")] == [NAMES.redis]
    await one_round(world)
    [name] = [name for name in world.names("Secret") if secret_of(name) == NAMES.postgres]
    [owner] = world.objects["Secret", name]["metadata"]["ownerReferences"]
    claim = world.objects["PersistentVolumeClaim", NAMES.postgres]
    assert (owner["kind"], owner["uid"]) == ("PersistentVolumeClaim", claim["metadata"]["uid"])


async def test_drift_is_repaired_and_a_deleted_child_comes_back() -> None:
    world = apply()
    await rounds(world)
    whole = world.shape()
    children = [place for place in whole if place[0] not in (KIND, "Secret")]
    for kind, name in children:
        if kind == "PersistentVolumeClaim":
            continue
        world.objects[kind, name]["metadata"]["labels"]["app.kubernetes.io/name"] = "edited"
        await rounds(world)
        assert world.shape() == whole, f"{kind} {name} edited"
        world.remove(kind, name)
        await rounds(world)
        assert world.shape() == whole, f"{kind} {name} deleted"
    assert len(children) > 10


@pytest.mark.parametrize(
    ("place", "part", "value"),
    [
        (("Service", NAMES.api), "selector", {"app": "someone-else"}),
        (("NetworkPolicy", NAMES.api), "ingress", []),
        (("Deployment", NAMES.api), "replicas", 7),
    ],
)
async def test_edits_of_the_spec_are_repaired(
    place: tuple[str, str], part: str, value: Any
) -> None:
    world = apply()
    await rounds(world)
    whole = world.shape()
    spec = world.objects[place]["spec"]
    spec[part] = spec[part] | value if isinstance(value, dict) else value
    await rounds(world)
    assert world.shape() == whole


async def test_stray_keys_leave_a_config_map() -> None:
    world = apply()
    await rounds(world)
    whole = world.shape()
    world.objects["ConfigMap", NAMES.redis]["data"]["stray"] = ""
    await rounds(world)
    assert world.shape() == whole


async def test_a_secret_made_anew_restarts_its_server() -> None:
    world = apply()
    await rounds(world)
    before = world.objects["Deployment", NAMES.redis]["spec"]["template"]
    [name] = [name for name in world.names("Secret") if secret_of(name) == NAMES.redis]
    world.remove("Secret", name)
    await rounds(world)
    assert world.names("Secret").count(name) == 1
    assert world.objects["Deployment", NAMES.redis]["spec"]["template"] != before


@pytest.mark.parametrize("labelled", [True, False])
async def test_an_object_of_someone_else_is_refused_and_left_alone(*, labelled: bool) -> None:
    world = apply()
    labels = {"app.kubernetes.io/managed-by": "ragwright", "ragwright.dev/pipeline": NAME}
    owner = {"uid": "another", "controller": True}
    metadata = {
        "name": NAMES.api,
        "namespace": NAMESPACE,
        "labels": labels if labelled else {},
        "ownerReferences": [owner] if labelled else [],
    }
    foreign = {"kind": "Service", "metadata": metadata, "spec": {"mine": True}}
    world.objects["Service", NAMES.api] = foreign
    for _ in range(12):
        await one_round(world)
        world.settle()
    assert world.objects["Service", NAMES.api]["spec"] == {"mine": True}
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "NameTaken")
    assert f"Service {NAMES.api}" in degraded.message
    assert world.condition("Ready").reason == "NoService"
    del world.objects["Service", NAMES.api]
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_a_refused_step_stops_no_other() -> None:
    world = apply()
    world.refuse["Service", NAMES.api] = KubeError(403, "Forbidden", "exceeded quota: services")
    for _ in range(12):
        await one_round(world)
        world.settle()
    assert world.condition("Degraded").reason == "Rejected"
    assert "exceeded quota" in world.condition("Degraded").message
    assert world.status.index.live is not None
    world.refuse.clear()
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_every_trouble_can_be_read() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(database={"managed": {"storage": "1Gi"}}, api={"replicas": 4})
    world.refuse["Deployment", NAMES.api] = KubeError(
        403, "Forbidden", "exceeded quota: deployments"
    )
    await one_round(world)
    degraded = world.condition("Degraded")
    assert degraded.reason == "Rejected"
    assert "exceeded quota" in degraded.message
    assert "Also StorageCannotShrink: database.managed.storage is 1Gi" in degraded.message


async def test_an_overloaded_server_ends_the_round() -> None:
    world = apply()
    world.refuse["Service", NAMES.api] = KubeError(503, "", "try later")
    with pytest.raises(KubeError):
        await one_round(world)


async def test_storage_cannot_shrink() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(database={"managed": {"storage": "1Gi"}})
    await rounds(world)
    assert world.condition("Degraded").reason == "StorageCannotShrink"
    claim = world.objects["PersistentVolumeClaim", NAMES.postgres]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    world.edit_spec(database={"managed": {"storage": "20Gi"}})
    await rounds(world)
    assert claim["metadata"]["uid"] == "uid-of-PersistentVolumeClaim-docs-postgres"
    claim = world.objects["PersistentVolumeClaim", NAMES.postgres]
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert world.condition("Degraded").status == "False"


async def test_a_managed_server_that_is_no_longer_wanted_goes_but_never_its_volume() -> None:
    world = apply()
    await rounds(world)
    world.annotate(MOVE_ANNOTATION, "cnpg-app")
    world.edit_spec(database={"secretKeyRef": {"name": "cnpg-app"}})
    await rounds(world)
    assert NAMES.postgres not in world.names("StatefulSet")
    assert NAMES.postgres in world.names("PersistentVolumeClaim")


async def test_a_spec_that_cannot_be_read_is_told_and_what_runs_goes_on() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(sources=[])
    await one_round(world)
    assert world.condition("Degraded").reason == "InvalidSpec"
    assert "sources" in world.condition("Degraded").message
    assert world.condition("Ready").status == "True"
    good = pipeline()["spec"]["sources"]
    world.edit_spec(sources=good)
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_a_pod_that_fits_no_node_is_told_in_the_schedulers_words() -> None:
    world = apply()
    await rounds(world)
    said = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "reason": "Unschedulable", "message": said}
    status = {"phase": "Pending", "conditions": [{**condition, "status": "False"}]}
    pod_of_api(world, "stuck", status=status)
    world.now += timedelta(seconds=15)
    await rounds(world)
    assert world.condition("Degraded").reason == "PodsUnschedulable"
    assert said in world.condition("Degraded").message

"""Nothing foreign is ever taken for ours: no Secret is mounted that we did not make, and no pod is
made that would use a stranger's object."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND, REINDEX_ANNOTATION
from ragwright_operator.desired.target import Manifest
from ragwright_operator.running.delete import delete
from tests.kit.operator import apply, live, one_round, pipeline, reconciler, rounds
from tests.kit.operator_world import NAME, NAMESPACE, World

NAMES = PipelineName(NAMESPACE, NAME)
OURS = {"app.kubernetes.io/managed-by": "ragwright", "ragwright.dev/pipeline": NAME}


def strangers(kind: str, name: str, *, labelled: bool = False, **body: Any) -> Manifest:
    metadata: Manifest = {"name": name, "namespace": NAMESPACE, "uid": "u", "generation": 1}
    if labelled:
        owner = {"uid": "another", "controller": True}
        metadata |= {"labels": OURS, "ownerReferences": [owner]}
    return {"kind": kind, "metadata": metadata, "spec": {}, "theirs": True, **body}


def mounted(world: World, kind: str, name: str) -> set[str]:
    volumes = world.objects[kind, name]["spec"]["template"]["spec"]["volumes"]
    return {item["secret"]["secretName"] for item in volumes if "secret" in item}


async def _some_rounds(world: World) -> None:
    for _ in range(12):
        await one_round(world)
        world.settle()


@pytest.mark.parametrize("name", [NAMES.redis, NAMES.postgres])
async def test_a_strangers_secret_is_not_mounted_and_hinders_nothing(name: str) -> None:
    world = apply()
    theirs = strangers("Secret", name, stringData={"url": "redis://elsewhere:6379/0"})
    world.objects["Secret", name] = theirs
    await rounds(world)
    assert world.objects["Secret", name] == theirs
    servers = [("Deployment", NAMES.api), ("Deployment", NAMES.redis)]
    for place in [*servers, ("StatefulSet", NAMES.postgres)]:
        assert name not in mounted(world, *place)
    made = {name for kind, name in world.created if kind == "Secret"}
    assert mounted(world, "Deployment", NAMES.api) == made
    assert world.condition("Ready").status == "True"


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Service", NAMES.redis),
        ("Service", NAMES.postgres),
        ("ConfigMap", NAMES.redis),
        ("ConfigMap", NAMES.postgres),
        ("ServiceAccount", NAMES.api),
        ("PersistentVolumeClaim", NAMES.postgres),
    ],
)
async def test_no_pod_is_made_that_would_use_a_strangers_object(
    kind: str, name: str, *, labelled: bool
) -> None:
    world = apply()
    world.objects[kind, name] = strangers(kind, name, labelled=labelled)
    await _some_rounds(world)
    assert world.objects[kind, name]["theirs"] is True
    degraded = world.condition("Degraded")
    assert degraded.reason == "NameTaken"
    assert f"{kind} {name}" in degraded.message
    assert world.names("StatefulSet") == world.names("Job") == []
    assert NAMES.api not in world.names("Deployment")
    del world.objects[kind, name]
    await rounds(world)
    assert world.condition("Degraded").status == "False"
    assert world.condition("Ready").status == "True"


async def test_a_live_pipeline_answers_on_beside_a_strangers_object() -> None:
    world = apply()
    await rounds(world)
    world.remove("Service", NAMES.redis)
    world.objects["Service", NAMES.redis] = strangers("Service", NAMES.redis)
    world.edit_spec(api={"replicas": 5})
    world.annotate(REINDEX_ANNOTATION, "again")
    jobs = [name for kind, name in world.created if kind == "Job"]
    await _some_rounds(world)
    assert world.objects["Deployment", NAMES.api]["spec"]["replicas"] == 3, "held"
    assert [name for kind, name in world.created if kind == "Job"] == jobs, "held too"
    assert world.condition("Degraded").reason == "NameTaken"
    assert world.condition("Ready").status == "True"
    del world.objects["Service", NAMES.redis]
    await rounds(world)
    assert live(world) == 2


@pytest.mark.parametrize("kind", ["ConfigMap", "Service"])
async def test_a_strangers_object_that_bears_our_labels_is_not_cleared_away(kind: str) -> None:
    world = apply()
    theirs = strangers(kind, "theirs", labelled=True)
    world.objects[kind, "theirs"] = theirs
    await rounds(world)
    assert world.objects[kind, "theirs"] == theirs
    assert world.condition("Ready").status == "True"


async def test_what_a_stranger_makes_between_look_and_apply_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, place = apply(), ("ConfigMap", NAMES.redis)
    look = world.get

    async def get(kind: str, namespace: str, name: str) -> Manifest:
        try:
            return await look(kind, namespace, name)
        finally:
            if (kind, name) == place:
                world.objects.setdefault(place, strangers(*place))

    monkeypatch.setattr(world, "get", get)
    await one_round(world)
    assert world.objects[place] == strangers(*place)
    assert world.names("Deployment") == []


async def test_the_password_of_a_volume_is_found_again_by_the_next_pipeline() -> None:
    world = apply()
    await rounds(world)
    before = mounted(world, "StatefulSet", NAMES.postgres)
    world.remove(KIND, NAME)
    assert NAMES.postgres in world.names("PersistentVolumeClaim")
    successor = pipeline()
    successor["metadata"]["uid"] = "uid-of-the-next"
    world.objects[KIND, NAME] = successor
    await rounds(world)
    assert mounted(world, "StatefulSet", NAMES.postgres) == before
    assert world.status.operator.recreated.postgres is None


async def test_a_server_of_an_earlier_release_keeps_its_secret_and_is_not_restarted() -> None:
    world = apply()
    await rounds(world)
    for name in [name for name in world.names("Secret") if name.startswith(NAME)]:
        secret = world.objects.pop(("Secret", name))
        early = name.rpartition("-")[0]
        world.objects["Secret", early] = {
            **secret,
            "metadata": {**secret["metadata"], "name": early},
        }
        for place in [
            place for place in world.objects if place[0] in ("Deployment", "StatefulSet")
        ]:
            text = json.dumps(world.objects[place])
            world.objects[place] = json.loads(text.replace(f'"{name}"', f'"{early}"'))
    await rounds(world)
    assert mounted(world, "StatefulSet", NAMES.postgres) == {NAMES.postgres}
    assert mounted(world, "Deployment", NAMES.redis) == {NAMES.redis}
    assert mounted(world, "Deployment", NAMES.api) == {NAMES.postgres, NAMES.redis}
    assert sorted(world.names("Secret")) == [NAMES.postgres, NAMES.redis]
    assert world.status.operator.recreated.postgres is None


async def test_a_strangers_job_is_not_taken_for_the_cleanup() -> None:
    world = apply(pipeline(database={"secretKeyRef": {"name": "cnpg"}}, deletionPolicy="Delete"))
    await rounds(world)
    theirs = strangers("Job", NAMES.cleanup_job)
    world.objects["Job", NAMES.cleanup_job] = theirs
    await delete(reconciler(world), world.objects[KIND, NAME], timedelta(seconds=1))
    assert world.objects["Job", NAMES.cleanup_job] == theirs
    [told] = [
        item["message"]
        for (kind, _), item in world.objects.items()
        if kind == "Event" and item["reason"] == "CleanupUnfinished"
    ]
    assert f"Job {NAMES.cleanup_job}: the name is taken" in told

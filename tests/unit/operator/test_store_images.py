"""A new default image of the operator restarts no store that is well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND
from ragwright_operator.running.reconcile import Reconciler
from tests.kit.operator import IMAGES, apply, pipeline, reconciler
from tests.kit.operator_world import NAME, NAMESPACE, World

NAMES = PipelineName(NAMESPACE, NAME)
NEW = replace(IMAGES, ragwright="ragwright:2", postgres="postgres:2", redis="redis:2")
SERVERS = {
    "postgres": ("StatefulSet", NAMES.postgres),
    "redis": ("Deployment", NAMES.redis),
    "ragwright": ("Deployment", NAMES.api),
}


def upgraded(world: World) -> Reconciler:
    made = reconciler(world)
    return replace(made, site=replace(made.site, images=NEW))


async def _rounds(operator: Reconciler, world: World, count: int = 12) -> None:
    for _ in range(count):
        await operator.reconcile(NAMESPACE, NAME)
        world.settle()


def images(world: World) -> dict[str, str]:
    return {
        store: world.objects[place]["spec"]["template"]["spec"]["containers"][0]["image"]
        for store, place in SERVERS.items()
    }


async def test_stores_that_are_well_keep_their_images() -> None:
    world = apply()
    await _rounds(reconciler(world), world)
    await _rounds(upgraded(world), world)
    assert images(world) == {
        "postgres": "postgres:1",
        "redis": "redis:1",
        "ragwright": "ragwright:2",
    }


async def test_also_where_the_status_was_wiped_or_is_of_an_early_release() -> None:
    world = apply()
    await _rounds(reconciler(world), world)
    world.objects[KIND, NAME]["status"] = {}
    await _rounds(upgraded(world), world)
    assert images(world)["postgres"] == "postgres:1"


async def test_a_store_that_is_away_at_the_moment_of_the_upgrade_keeps_its_image() -> None:
    world = apply()
    await _rounds(reconciler(world), world)
    world.podless |= {"postgres", "redis"}
    world.settle()
    await _rounds(upgraded(world), world)
    assert images(world)["postgres"] == "postgres:1"
    assert images(world)["redis"] == "redis:1"


async def test_new_pipelines_take_the_new_default() -> None:
    world = apply()
    await _rounds(upgraded(world), world)
    assert images(world) == {
        "postgres": "postgres:2",
        "redis": "redis:2",
        "ragwright": "ragwright:2",
    }


async def test_a_default_that_never_worked_is_corrected() -> None:
    world = apply()
    world.podless |= {"postgres", "redis"}
    await _rounds(reconciler(world), world)
    world.podless.clear()
    await _rounds(upgraded(world), world)
    assert images(world)["postgres"] == "postgres:2"


@pytest.mark.parametrize("store", ["postgres", "redis"])
async def test_one_pipeline_is_moved_by_its_spec_and_stays_there(store: str) -> None:
    world = apply()
    await _rounds(reconciler(world), world)
    group = {"postgres": "database", "redis": "cache"}[store]
    moved: dict[str, Any] = {group: {"managed": {"image": f"mine/{store}:3"}}}
    world.edit_spec(**moved)
    await _rounds(upgraded(world), world)
    assert images(world)[store] == f"mine/{store}:3"
    world.edit_spec(**{group: {"managed": {}}})
    await _rounds(upgraded(world), world)
    assert images(world)[store] == f"mine/{store}:3", "what is well is not restarted"


async def test_the_resources_of_redis_can_be_written() -> None:
    written = {"requests": {"cpu": "60m"}, "limits": {"cpu": "1", "memory": "200Mi"}}
    world = apply(pipeline(cache={"managed": {"maxMemory": "100Mi", "resources": written}}))
    await _rounds(reconciler(world), world)
    pod = world.objects["Deployment", NAMES.redis]["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"] == written

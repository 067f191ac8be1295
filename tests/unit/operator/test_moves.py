"""A pipeline's database is changed under a version that answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND, MOVE_ANNOTATION
from tests.kit.operator import apply, one_round, pipeline, rounds
from tests.kit.operator_world import NAME, NAMESPACE, World

NAMES = PipelineName(NAMESPACE, NAME)
MANAGED: dict[str, Any] = {}
ONE: dict[str, Any] = {"secretKeyRef": {"name": "one"}}
OTHER: dict[str, Any] = {"secretKeyRef": {"name": "other"}}
OTHER_KEY: dict[str, Any] = {"secretKeyRef": {"name": "one", "key": "elsewhere"}}
NAMED_MANAGED: dict[str, Any] = {"secretKeyRef": {"name": "managed"}}
MOVES = [
    (MANAGED, ONE),
    (ONE, MANAGED),
    (ONE, OTHER),
    (ONE, OTHER_KEY),
    (OTHER_KEY, ONE),
    (ONE, NAMED_MANAGED),
]


def asked(world: World) -> tuple[str, str]:
    volumes = world.objects["Deployment", NAMES.api]["spec"]["template"]["spec"]["volumes"]
    [secret] = [item["secret"] for item in volumes if item["name"] == "database"]
    return secret["secretName"], secret["items"][0]["key"]


@pytest.mark.parametrize(("before", "after"), MOVES)
async def test_the_old_database_answers_until_a_person_accepts_the_outage(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    world = apply(pipeline(database=before))
    await rounds(world)
    shape = {place: item for place, item in world.shape().items() if place[0] != KIND}
    world.edit_spec(database=after)
    for _ in range(6):
        await one_round(world)
        world.settle()
    assert {place: item for place, item in world.shape().items() if place[0] != KIND} == shape
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "DatabaseChanged")
    assert world.condition("Ready").status == "True"
    # The cure that the condition names is followed.
    found = re.search(rf"{MOVE_ANNOTATION}=([-a-z/]+)", degraded.message)
    assert found is not None
    was = asked(world)
    world.annotate(MOVE_ANNOTATION, found[1])
    await rounds(world)
    assert asked(world) != was
    assert (NAMES.postgres in world.names("StatefulSet")) is (after == MANAGED)
    assert world.condition("Degraded").status == "False"


@pytest.mark.parametrize(
    ("before", "after", "accepted"),
    [
        (ONE, OTHER, "managed"),
        (ONE, OTHER, "other/elsewhere"),
        (ONE, OTHER, ""),
        (ONE, OTHER_KEY, "one"),
        (ONE, OTHER_KEY, "one/uri"),
        (OTHER_KEY, ONE, "one/elsewhere"),
        (ONE, NAMED_MANAGED, "managed"),
        (ONE, MANAGED, "managed/uri"),
    ],
)
async def test_an_outage_that_was_accepted_for_one_database_is_not_for_another(
    before: dict[str, Any], after: dict[str, Any], accepted: str
) -> None:
    world = apply(pipeline(database=before))
    await rounds(world)
    was = asked(world)
    world.annotate(MOVE_ANNOTATION, accepted)
    world.edit_spec(database=after)
    for _ in range(6):
        await one_round(world)
        world.settle()
    assert asked(world) == was
    assert world.condition("Degraded").reason == "DatabaseChanged"


@pytest.mark.parametrize(
    ("after", "accepted"), [(OTHER, "other"), (OTHER, "other/uri"), (OTHER_KEY, "one/elsewhere")]
)
async def test_the_usual_key_may_be_named_or_not(after: dict[str, Any], accepted: str) -> None:
    world = apply(pipeline(database=ONE))
    await rounds(world)
    world.annotate(MOVE_ANNOTATION, accepted)
    world.edit_spec(database=after)
    await rounds(world)
    secret, _, key = accepted.partition("/")
    assert asked(world) == (secret, key or "uri")


@pytest.mark.parametrize(("before", "after"), MOVES)
async def test_taken_back_all_is_well_again(before: dict[str, Any], after: dict[str, Any]) -> None:
    world = apply(pipeline(database=before))
    await rounds(world)
    world.edit_spec(database=after)
    await one_round(world)
    world.edit_spec(database=before)
    await rounds(world)
    assert world.condition("Degraded").status == "False"


@pytest.mark.parametrize(("before", "after"), MOVES)
async def test_before_a_version_is_live_the_database_is_free(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """A wrong Secret in a new pipeline is simply corrected."""
    world = apply(pipeline(database=before))
    world.running.add("load")
    for _ in range(4):
        await one_round(world)
        world.settle()
    world.edit_spec(database=after)
    world.running.clear()
    await rounds(world)
    assert world.condition("Ready").status == "True"


async def test_a_wiped_status_forgets_no_database() -> None:
    world = apply()
    await rounds(world)
    world.add_pod(
        "api-1",
        {
            "app.kubernetes.io/managed-by": "ragwright",
            "ragwright.dev/pipeline": NAME,
            "app.kubernetes.io/component": "api",
        },
    )
    world.objects[KIND, NAME]["status"] = {}
    world.edit_spec(database=ONE)
    await one_round(world)
    assert world.condition("Degraded").reason == "DatabaseChanged"


async def test_other_settings_of_the_same_database_are_free() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(database={"managed": {"storage": "20Gi"}, "indexMemory": "1Gi"})
    await rounds(world)
    assert world.condition("Degraded").status == "False"

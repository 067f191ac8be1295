"""Specs that cannot be used as they are read: fields under their old names, and resource
definitions of another release. `renamed.json` is what an API server showed after the definition
of commit 9dc460f was replaced by the one with the new names."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ragwright_core.spec import KIND, RENAMED
from ragwright_operator.world.spec import UnusableSpecError, read_spec
from tests.kit.operator import apply, one_round, pipeline, reconciler, rounds
from tests.kit.operator_world import NAME, NAMESPACE, World

RENAMED_FILE = Path(__file__).parent / "shown" / "renamed.json"
SHOWN: dict[str, dict[str, Any]] = json.loads(RENAMED_FILE.read_text())
WRITTEN = sorted(name for name, moments in SHOWN.items() if "before" in moments)
NEVER = sorted(name for name in SHOWN if name.startswith("never"))


def said_of(shown: dict[str, Any]) -> str:
    try:
        read_spec(shown)
    except UnusableSpecError as error:
        return error.trouble.message
    return ""


@pytest.mark.parametrize("name", WRITTEN)
def test_old_names_are_refused_until_they_are_written_anew(name: str) -> None:
    before = said_of(SHOWN[name]["before"])
    assert "spec.database.secretRef is now called secretKeyRef" in before
    assert "What runs goes on." in before
    # An Update names each default, whoever wrote it: only an Apply shows what a person wrote.
    if name.startswith("applied"):
        assert "spec.retrieval.adjacentWeight is now called adjacentShare, in percent" in before
    assert said_of(SHOWN[name]["after"]) == ""


@pytest.mark.parametrize("name", NEVER)
def test_who_wrote_no_old_name_is_left_alone(name: str) -> None:
    assert said_of(SHOWN[name]["unchanged"]) == ""


@pytest.mark.parametrize("item", RENAMED, ids=str)
def test_each_old_name_that_was_applied_is_told(item: Any) -> None:
    written = pipeline()
    written["metadata"]["managedFields"] = [
        {
            "manager": "flux",
            "operation": "Apply",
            "fieldsV1": {"f:spec": {f"f:{item.group}": {f"f:{item.old}": {}}}},
        }
    ]
    assert str(item) in said_of(written)
    new: dict[str, Any] = {item.new: {"name": "x", "key": "y"}}
    if item.defaulted:
        new = {}
        written["metadata"]["managedFields"].append(
            {
                "manager": "kubectl",
                "operation": "Apply",
                "fieldsV1": {"f:spec": {f"f:{item.group}": {f"f:{item.new}": {}}}},
            }
        )
    if item.old != "secretRef" and new:
        new["secretKeyRef"] = {"name": "x"}
        new[item.new].pop("key")
    written["spec"][item.group] = new
    assert said_of(written) == ""


def test_an_older_definition_is_told_and_what_to_apply() -> None:
    said = said_of(SHOWN["old definition"]["unchanged"])
    assert "ragpipelines.ragwright.dev is older than the operator" in said
    assert "kubectl apply --server-side -f crds/" in said


def test_a_newer_definition_is_told() -> None:
    said = said_of(pipeline(retrieval={"fromTheFuture": 1}))
    assert "spec.retrieval.fromTheFuture is not known to this operator" in said
    assert "is newer; upgrade the operator" in said


async def test_a_definition_without_a_later_field_is_logged_once() -> None:
    world = apply()
    looking = reconciler(world)
    with capture_logs() as logs:
        await looking.reconcile(NAMESPACE, NAME)
        for field in ("minScore", "topK"):
            del world.schema["properties"]["retrieval"]["properties"][field]
            del world.schema["properties"]["retrieval"]["default"][field]
        for _ in range(3):
            await looking.reconcile(NAMESPACE, NAME)
    told = [line for line in logs if "older than the operator" in line["event"]]
    assert [line["fields"] for line in told] == [["spec.retrieval.topK", "spec.retrieval.minScore"]]
    assert world.condition("Degraded").status == "False"


def external(world: World) -> None:
    """As the API server shows an old spec that names a database: without it, but for who wrote."""
    shown = SHOWN["applied by the client, new names"]["before"]
    written = world.objects[KIND, NAME]
    written["metadata"]["annotations"] = shown["metadata"]["annotations"]
    written["metadata"]["managedFields"] = shown["metadata"]["managedFields"]
    written["spec"]["database"] = {}


async def test_a_database_under_its_old_name_never_becomes_a_managed_one() -> None:
    world = apply(pipeline(database={"secretKeyRef": {"name": "cnpg"}}))
    await rounds(world)
    before = world.shape()
    world.applied.clear()
    world.deleted.clear()
    external(world)
    await one_round(world)
    await one_round(world)
    assert world.condition("Degraded").reason == "InvalidSpec"
    assert "spec.database.secretRef is now called secretKeyRef" in (
        world.condition("Degraded").message
    )
    assert world.condition("Ready").status == "True"
    assert (world.applied, world.deleted) == ([], [])
    after = world.shape()
    assert {place for place in after if place[0] != KIND} == {
        place for place in before if place[0] != KIND
    }
    world.edit_spec(database={"secretKeyRef": {"name": "cnpg"}})
    world.objects[KIND, NAME]["metadata"] |= {"annotations": {}, "managedFields": []}
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_a_refused_spec_leaves_the_rest_of_the_status_as_it_is_read() -> None:
    """A definition of an older release would drop the operator's memory in its new place."""
    world = apply()
    await rounds(world)
    status = world.objects[KIND, NAME]["status"]
    status |= {"build": {"request": "of an older release"}, "fromTheFuture": {"a": 1}}
    left = {name: copy.deepcopy(status[name]) for name in ("build", "operator", "fromTheFuture")}
    world.edit_spec(sources=[])
    await one_round(world)
    written = world.objects[KIND, NAME]["status"]
    assert written["observedGeneration"] == 2
    assert {name: written[name] for name in left} == left

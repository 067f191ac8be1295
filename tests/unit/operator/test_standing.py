"""Reconciling and Stalled, by which kstatus, Flux, Helm and Argo CD tell whether to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ragwright_core.report import Problem, Reason
from ragwright_core.spec import APPROVE_ANNOTATION, REINDEX_ANNOTATION
from ragwright_operator.effects.kube import KubeError
from tests.kit.operator import apply, live, one_round, pipeline, rounds, two_versions
from tests.kit.operator_world import World


def standing(world: World) -> tuple[str, str]:
    """What Reconciling and Stalled say: their reason if True, else empty."""
    told = [world.condition(kind) for kind in ("Reconciling", "Stalled")]
    reconciling, stalled = [found.reason if found.status == "True" else "" for found in told]
    return reconciling, stalled


async def test_reconciling_until_the_first_version_is_served() -> None:
    world = apply()
    await one_round(world)
    assert standing(world) == ("Progressing", "")
    await rounds(world)
    assert standing(world) == ("", "")
    assert world.condition("Reconciling").reason == "Served"


async def test_a_routine_build_and_a_pod_that_ends_are_no_reconciling() -> None:
    world = apply()
    await rounds(world)
    world.running = {"load"}
    world.annotate(REINDEX_ANNOTATION, "again")
    world.objects["Deployment", "docs-api"]["status"]["availableReplicas"] = 1
    await one_round(world)
    await one_round(world)
    assert world.condition("Reindexing").status == "True"
    assert standing(world) == ("", "")


async def test_reconciling_until_another_spec_is_built() -> None:
    world = apply()
    await rounds(world)
    world.running = {"load"}
    world.edit_spec(chunking={"maxCharacters": 500})
    for _ in range(3):
        await one_round(world)
        world.settle()
        assert standing(world) == ("Progressing", "")
    assert "live version 1 was built for an older spec" in world.condition("Reconciling").message
    world.running = set()
    await rounds(world)
    assert (live(world), standing(world)) == (2, ("", ""))


async def test_reconciling_until_other_pods_are_rolled_out() -> None:
    """The round that changes the Deployment still sees the old one, whole and ready."""
    world = apply()
    await rounds(world)
    resources = {"limits": {"memory": "2Gi"}}
    world.edit_spec(api={"resources": resources})
    await one_round(world)
    assert "is brought to what the spec asks for" in world.condition("Reconciling").message
    await one_round(world)
    assert "Deployment docs-api is rolled out" in world.condition("Reconciling").message
    world.settle()
    await rounds(world)
    assert standing(world) == ("", "")


@pytest.mark.parametrize(
    ("reason", "a_person_must"),
    [
        (Reason.SOURCE_NOT_FOUND, True),
        (Reason.SOURCE_UNAUTHORIZED, True),
        (Reason.EXTENSION_MISSING, True),
        (Reason.SOURCE_UNREACHABLE, False),
        (Reason.EMBEDDING_UNAVAILABLE, False),
        (Reason.SECRET_MISSING, False),
        ("OfANewerRelease", False),
    ],
)
async def test_stalled_by_what_only_a_person_can_mend(
    reason: Reason | str, a_person_must: bool
) -> None:
    world = apply()
    world.problems["load"] = Problem(reason=reason, message="this is wrong")
    for _ in range(10):
        await one_round(world)
        world.settle()
    assert world.condition("Degraded").reason == reason
    assert standing(world) == (("", reason) if a_person_must else ("Progressing", ""))
    world.problems.clear()
    world.now += timedelta(hours=1)
    await rounds(world)
    assert standing(world) == ("", "")


async def test_a_refused_object_stalls_until_it_is_taken() -> None:
    world = apply()
    world.refuse["Service", "docs-api"] = KubeError(422, "Invalid", "no Services here")
    await one_round(world)
    assert standing(world) == ("", "Rejected")
    world.refuse.clear()
    await rounds(world)
    assert standing(world) == ("", "")


async def test_an_unreadable_spec_stalls() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(chunking={"maxCharacters": "many"})
    await one_round(world)
    assert standing(world) == ("", "InvalidSpec")
    assert world.condition("Ready").status == "True"
    world.edit_spec(chunking={})
    await rounds(world)
    assert standing(world) == ("", "")


async def test_who_waits_for_a_person_does_not_reconcile() -> None:
    world = await two_versions()
    manual = {"keep": 1, "approval": "Manual"}
    world.edit_spec(reindex=manual, chunking={"maxCharacters": 500})
    await rounds(world)
    assert world.condition("Reconciling").reason == "AwaitingApproval"
    world.edit_spec(suspend=True)
    await rounds(world)
    assert world.condition("Reconciling").reason == "Suspended"
    assert standing(world) == ("", "")
    world.edit_spec(suspend=False)
    world.annotate(APPROVE_ANNOTATION, "3")
    await rounds(world)
    assert (live(world), world.condition("Reconciling").reason) == (3, "Served")


async def test_a_pin_is_served_when_its_version_answers() -> None:
    world = await two_versions()
    world.edit_spec(reindex={"keep": 1, "pin": 1})
    await one_round(world)
    assert standing(world) == ("Progressing", "")
    await rounds(world)
    assert (live(world), standing(world)) == (1, ("", ""))
    world.edit_spec(reindex={"keep": 1, "pin": 7})
    await rounds(world)
    assert standing(world) == ("", "PinnedVersionMissing")


async def test_gates_that_fail_stall_until_they_are_approved_over() -> None:
    world = apply(pipeline())
    await rounds(world)
    world.problems["index"] = Problem(reason=Reason.GATE_FAILED, message="maxShrink")
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    assert standing(world) == ("", Reason.GATE_FAILED)

"""Versions that wait for a person: ready ones, and those that failed a gate."""

from __future__ import annotations

import pytest

from ragwright_core.spec import APPROVE_ANNOTATION, REINDEX_ANNOTATION
from ragwright_operator.wanted.approval import Approval, approved
from tests.kit.operator import apply, later, live, one_round, pipeline, pod_of_api, rounds
from tests.kit.operator_world import World


async def approved_until(world: World, value: str) -> None:
    world.annotate(APPROVE_ANNOTATION, value)
    await rounds(world)


@pytest.fixture
async def waiting() -> World:
    """Version 1 is ready and waits."""
    world = apply(pipeline(reindex={"approval": "Manual"}))
    pod_of_api(world)
    await rounds(world)
    return world


async def test_a_ready_version_waits_and_says_how_to_approve_it(waiting: World) -> None:
    assert live(waiting) is None
    assert waiting.status.index.waiting is not None
    assert waiting.status.index.waiting.number == 1
    found = waiting.condition("Reindexing")
    assert found.reason == "AwaitingApproval"
    assert "annotate --overwrite rag docs 'ragwright.dev/approve=1'" in found.message
    assert "AwaitingApproval" in waiting.events()
    await later(waiting)
    assert len(waiting.status.history) == 1, "nothing is built while it waits"


@pytest.mark.parametrize("term", [0, 7, None])
async def test_the_first_swap_carries_the_term_too(waiting: World, term: int | None) -> None:
    """No version is live: never yet, or no longer. An API of an earlier release tells no term."""
    waiting.term = term
    waiting.running |= {"swap"}
    waiting.annotate(APPROVE_ANNOTATION, "1")
    await one_round(waiting)
    [job] = [name for name in waiting.names("Job") if "-swap-" in name]
    assert waiting.swap_order(waiting.objects["Job", job]).term == term


async def test_an_approval_for_another_version_moves_nothing(waiting: World) -> None:
    await approved_until(waiting, "8")
    assert live(waiting) is None
    degraded = waiting.condition("Degraded")
    assert degraded.reason == "ApprovalMismatch"
    assert "names version 8, but version 1 waits" in degraded.message
    await approved_until(waiting, "soon")
    assert "is not an approval" in waiting.condition("Degraded").message
    await approved_until(waiting, "1")
    assert live(waiting) == 1
    assert waiting.condition("Degraded").status == "False"
    assert waiting.status.index.waiting is None
    assert "Approved" in waiting.events()


async def test_a_failed_gate_keeps_the_live_version_and_builds_no_more() -> None:
    world = apply()
    pod_of_api(world)
    await rounds(world)
    world.failed_gates = ("maxShrink",)
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    await later(world, 60)
    assert live(world) == 1
    assert world.condition("Ready").status == "True"
    assert world.condition("Degraded").reason == "GateFailed"
    assert world.condition("Reindexing").message.count("approve=2 maxShrink") == 1
    [event] = [
        item
        for (kind, _), item in world.objects.items()
        if kind == "Event" and item["reason"] == "GateFailed"
    ]
    assert "chunks ok (want 1, got 4); maxShrink FAILED (want 1, got 2)" in event["message"]
    assert world.status.judged is not None
    assert [verdict.ok for verdict in world.status.judged.verdicts] == [True, False]
    assert [entry.outcome for entry in world.status.history] == ["failed", "swapped"]


async def test_other_gates_ask_for_another_build() -> None:
    world = apply()
    pod_of_api(world)
    await rounds(world)
    world.failed_gates = ("maxShrink",)
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    world.failed_gates = ()
    world.edit_spec(reindex={"gates": {"maxShrink": 90}})
    await rounds(world)
    assert live(world) == 3
    assert world.status.history[0].why == "reindex.gates changed"
    assert world.condition("Degraded").status == "False"


async def test_an_approval_overrides_just_the_gates_it_names() -> None:
    world = apply()
    pod_of_api(world)
    await rounds(world)
    world.failed_gates = ("goldenQuestions", "maxShrink")
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    await approved_until(world, "2 maxShrink")
    assert live(world) == 1
    assert "write '2 goldenQuestions,maxShrink'" in world.condition("Degraded").message
    await approved_until(world, "2 maxShrink, goldenQuestions")
    assert live(world) == 2
    assert world.condition("Degraded").status == "False"
    assert world.status.operator.build is not None
    assert world.status.operator.build.outcome == "done"
    await later(world)
    assert live(world) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7", Approval(7)),
        (" 7 maxShrink ", Approval(7, ("maxShrink",))),
        ("7 maxShrink, goldenQuestions", Approval(7, ("goldenQuestions", "maxShrink"))),
        ("", None),
        ("v7", None),
        ("7;8", None),
        ("7 max shrink", None),
    ],
)
def test_an_approval_is_read_or_refused_whole(text: str, found: Approval | None) -> None:
    assert approved(text) == found

"""`suspend`: nothing begins; what has begun goes on to its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ragwright_core.report import Reason
from ragwright_core.spec import REINDEX_ANNOTATION
from tests.kit.operator import (
    apply,
    live,
    one_round,
    pipeline,
    pod_of_api,
    rounds,
    swap_jobs,
    two_versions,
)
from tests.kit.operator_index import failing
from tests.kit.operator_world import World


async def _rounds(world: World, count: int = 10) -> None:
    for _ in range(count):
        await one_round(world)
        world.settle()


@pytest.mark.parametrize("step", ["load", "index"])
async def test_a_build_that_runs_goes_on_to_its_swap(step: str) -> None:
    world = apply()
    await rounds(world)
    world.annotate(REINDEX_ANNOTATION, "again")
    world.running.add(step)
    await _rounds(world)
    assert [name for name in world.names("Job") if f"-{step}-" in name]
    world.edit_spec(suspend=True)
    await _rounds(world)
    assert live(world) == 1
    world.running.clear()
    await rounds(world)
    assert live(world) == 2


async def test_nothing_begins_whatever_asks_for_it() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(suspend=True, chunking={"maxCharacters": 500}, reindex={"schedule": "@hourly"})
    world.annotate(REINDEX_ANNOTATION, "again")
    made = len(world.created)
    world.now += timedelta(hours=3)
    await _rounds(world)
    assert [place for place in world.created[made:] if place[0] == "Job"] == []
    reindexing = world.condition("Reindexing")
    assert reindexing.reason == "Suspended"
    assert "set suspend to false" in reindexing.message
    world.edit_spec(suspend=False)
    await _rounds(world)
    assert live(world) == 2


async def test_a_failed_attempt_is_not_repeated_meanwhile() -> None:
    world = apply()
    world.problems["load"] = failing(Reason.SOURCE_UNREACHABLE)
    await _rounds(world)
    world.edit_spec(suspend=True)
    world.problems.clear()
    world.now += timedelta(hours=1)
    await _rounds(world)
    assert live(world) is None
    world.edit_spec(suspend=False)
    await rounds(world)
    assert live(world) == 1


async def test_a_pin_is_carried_out() -> None:
    world = await two_versions()
    world.edit_spec(suspend=True, reindex={"keep": 1, "pin": 1})
    await rounds(world)
    assert (live(world), len(swap_jobs(world))) == (1, 1)


async def test_an_approval_is_carried_out() -> None:
    world = apply(pipeline(reindex={"approval": "Manual"}))
    await rounds(world)
    pod_of_api(world)
    world.edit_spec(suspend=True)
    world.annotate("ragwright.dev/approve", "1")
    await rounds(world)
    assert live(world) == 1

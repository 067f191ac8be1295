"""Versions moved by people and repairs: pin, approval, gates overridden, a restored database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ragwright_core.report import OtherVersion, Problem, Reason
from ragwright_core.spec import APPROVE_ANNOTATION, REINDEX_ANNOTATION
from ragwright_operator.plan.steps import CreateJob, Step
from tests.kit.operator import (
    PIN_1,
    kill_after,
    later,
    live,
    one_round,
    rounds,
    swap_jobs,
    two_versions,
)
from tests.kit.operator_world import Killed


async def test_a_swap_that_has_committed_and_goes_on_is_let_be() -> None:
    """One version more is kept than should be until its Job drops the oldest, as its last deed."""
    world = await two_versions()
    world.edit_spec(reindex={"keep": 1, "approval": "Manual"})
    world.annotate(REINDEX_ANNOTATION, "once more")
    await rounds(world)
    world.annotate(APPROVE_ANNOTATION, "3")
    await one_round(world)
    made = swap_jobs(world)
    before, told = world.live, world.others
    world.live = world._built[3].model_copy(update={"term": 3})
    world.others = [
        OtherVersion(number=number, state="kept", shape="s", intact=True) for number in (2, 1)
    ]
    await one_round(world)
    await one_round(world)
    assert swap_jobs(world) == made
    world.live, world.others = before, told  # the stand-in commits and drops in one
    await rounds(world)
    assert live(world) == 3
    assert world.status.history[0].message.startswith("Approved")
    assert swap_jobs(world) == made


async def test_a_pin_rolls_back_with_one_job_and_holds_everything_else() -> None:
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    await rounds(world)
    assert live(world) == 1
    assert len(swap_jobs(world)) == 1
    assert world.names("Job") == []
    pinned = world.condition("Pinned")
    assert (pinned.status, pinned.reason) == ("True", "Pinned")
    assert world.condition("Reindexing").reason == "Pinned"
    assert world.status.history[0].why == "reindex.pin names version 1"
    assert "Pinned" in world.events()
    world.annotate(REINDEX_ANNOTATION, "while pinned")
    world.edit_spec(chunking={"maxCharacters": 500})
    await later(world)
    assert live(world) == 1
    assert len(world.status.history) == 3
    assert len(swap_jobs(world)) == 1


async def test_what_was_asked_for_under_a_pin_is_built_once_afterwards() -> None:
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    await rounds(world)
    for value in ("a", "b"):
        world.annotate(REINDEX_ANNOTATION, value)
        await rounds(world)
    world.edit_spec(reindex={"keep": 1})
    await later(world)
    assert live(world) == 3
    assert not any(item.type == "Pinned" for item in world.status.conditions)
    built = [entry for entry in world.status.history if entry.why == "asked for by annotation"]
    assert len(built) == 2, "one before the pin, one after it"


async def test_a_pin_taken_away_brings_the_newest_back_without_a_build() -> None:
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    await rounds(world)
    world.edit_spec(reindex={"keep": 1})
    await later(world)
    assert live(world) == 2
    assert world.status.operator.swap is not None
    assert world.status.operator.swap.cause == "NewestFits"
    assert [entry.number for entry in world.status.history] == [2, 1, 2, 1]


async def test_a_pin_that_failed_is_forgotten_when_it_is_taken_away() -> None:
    world = await two_versions()
    world.problems["swap"] = Problem(reason=Reason.VERSION_GONE, message="it is gone")
    world.edit_spec(reindex=PIN_1)
    await rounds(world)
    assert world.condition("Degraded").reason == "VersionGone"
    world.edit_spec(reindex={"keep": 1})
    await later(world)
    assert world.condition("Degraded").status == "False"
    assert world.names("Job") == []


async def test_a_pin_taken_away_when_the_newest_is_gone_starts_a_build() -> None:
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    await rounds(world)
    world.others.clear()
    world.edit_spec(reindex={"keep": 1})
    await later(world)
    assert live(world) == 3
    assert "older than 2, which is gone" in world.status.history[0].why


async def test_a_pin_to_a_missing_version_moves_nothing_and_says_what_is_there() -> None:
    world = await two_versions()
    world.edit_spec(reindex={"pin": 9})
    await later(world)
    assert live(world) == 2
    assert swap_jobs(world) == []
    assert world.condition("Pinned").reason == "PinnedVersionMissing"
    degraded = world.condition("Degraded")
    assert degraded.reason == "PinnedVersionMissing"
    assert "(1, 2)" in degraded.message
    assert world.condition("Ready").status == "True"


async def test_a_pin_stops_a_running_build_which_goes_on_afterwards() -> None:
    world = await two_versions()
    world.annotate(REINDEX_ANNOTATION, "third")
    world.running.add("load")
    for _ in range(3):
        await one_round(world)
    [load] = world.names("Job")
    world.edit_spec(reindex=PIN_1)
    await rounds(world)
    assert ("Job", load) in world.deleted
    assert live(world) == 1
    world.running.clear()
    world.edit_spec(reindex={"keep": 1})
    await later(world)
    assert live(world) == 3


async def test_the_swap_shows_only_when_its_job_reports() -> None:
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    world.running.add("swap")
    await one_round(world)
    [job] = world.names("Job")
    world.live = world._built[1]
    await one_round(world)
    await one_round(world)
    assert live(world) == 2
    assert world.names("Job") == [job], "not deleted while it waits out the lease"
    assert world.condition("Reindexing").reason == "Swap"


async def test_a_failed_swap_is_retried_after_a_pause_and_a_final_one_is_not() -> None:
    world = await two_versions()
    away = Problem(reason=Reason.DATABASE_UNAVAILABLE, message="it is away")
    world.problems["swap"] = away
    world.edit_spec(reindex=PIN_1)
    for _ in range(6):
        await one_round(world)
        world.settle()
    assert world.condition("Degraded").reason == "DatabaseUnavailable"
    assert len(swap_jobs(world)) == 1
    world.now += timedelta(seconds=30)
    world.problems["swap"] = Problem(reason=Reason.VERSION_GONE, message="it is gone")
    for _ in range(6):
        await one_round(world)
        world.settle()
    assert world.condition("Degraded").reason == "VersionGone"
    await later(world, 60)
    assert len(swap_jobs(world)) == 2


async def test_a_live_version_without_its_tables_goes_to_the_newest_intact_kept_one() -> None:
    world = await two_versions()
    assert world.live is not None
    world.live = world.live.model_copy(update={"intact": False})
    await one_round(world)
    assert world.condition("Degraded").reason == "LiveVersionLost"
    assert world.condition("Ready").status == "False"
    await rounds(world)
    assert live(world) == 1
    assert "RestoredFromKept" in world.events()
    assert world.condition("Ready").status == "True"


@pytest.mark.parametrize(("lost", "restored"), [({3}, 2), ({3, 2}, 1)])
async def test_of_several_kept_versions_the_newest_intact_one_comes_back(
    lost: set[int], restored: int
) -> None:
    world = await two_versions(keep=2)
    world.annotate(REINDEX_ANNOTATION, "a third time")
    await rounds(world)
    assert world.live is not None
    assert [other.number for other in world.others] == [2, 1]
    world.live = world.live.model_copy(update={"intact": False})
    world.others = [
        other.model_copy(update={"intact": other.number not in lost}) for other in world.others
    ]
    await rounds(world)
    assert live(world) == restored
    assert "RestoredFromKept" in world.events()


async def test_with_nothing_intact_a_build_starts() -> None:
    world = await two_versions()
    assert world.live is not None
    world.live = world.live.model_copy(update={"intact": False})
    world.others = [other.model_copy(update={"intact": False}) for other in world.others]
    await later(world)
    assert live(world) == 3
    assert world.status.history[0].why == "live version 2 has lost its tables"


async def test_a_live_row_changed_by_hand_is_put_right() -> None:
    world = await two_versions()
    first, second = world._built[1], world.live
    assert second is not None
    kept = world.others[0].model_copy(update={"number": 2, "shape": second.shape})
    world.live, world.others = first, [kept]
    await one_round(world)
    assert world.condition("Degraded").reason == "OlderVersionLive"
    await later(world)
    assert live(world) == 2
    assert world.condition("Degraded").status == "False"


async def test_a_database_restored_from_an_older_backup_is_built_anew() -> None:
    world = await two_versions()
    world.live, world.others = world._built[1], []
    await one_round(world)
    assert world.condition("Degraded").reason == "OlderVersionLive"
    await later(world)
    assert live(world) == 3
    assert world.condition("Degraded").status == "False"


async def test_fewer_to_keep_are_dropped_at_once() -> None:
    world = await two_versions()
    world.edit_spec(reindex={"keep": 0})
    await rounds(world)
    assert world.others == []
    assert len(swap_jobs(world)) == 1
    assert live(world) == 2


async def test_nothing_is_dropped_beside_a_build_that_status_does_not_know_of() -> None:
    """The operator was killed between making the Job and noting it."""
    world = await two_versions()
    third = world.others[0].model_copy(update={"number": 3})
    world.annotate(REINDEX_ANNOTATION, "third")
    world.running.add("load")

    def kill(step: Step) -> None:
        if isinstance(step, CreateJob):
            raise Killed

    with pytest.raises(Killed):
        await one_round(world, kill)
    assert [name.rpartition("-load-")[1] for name in world.names("Job")] == ["-load-"]
    world.others.insert(0, third)
    await one_round(world)
    assert swap_jobs(world) == []


async def test_an_endpoint_that_changed_its_model_is_told() -> None:
    world = await two_versions()
    world.embedding_cosine = 0.71
    await rounds(world)
    degraded = world.condition("Degraded")
    assert degraded.reason == "EmbeddingChanged"
    assert "cosine 0.7100" in degraded.message
    world.embedding_cosine = 1.0
    await rounds(world)
    assert world.condition("Degraded").status == "False"


@pytest.mark.parametrize("kill", range(1, 9))
async def test_killed_after_any_step_of_a_rollback_the_end_is_the_same(kill: int) -> None:
    faultless = await two_versions()
    faultless.edit_spec(reindex=PIN_1)
    await rounds(faultless)
    world = await two_versions()
    world.edit_spec(reindex=PIN_1)
    with kill_after(kill) as after_step:
        try:
            await rounds(world, after_step)
        except Killed:
            world.settle()
            await rounds(world)
    assert world.shape() == faultless.shape()
    assert len(swap_jobs(world)) == 1

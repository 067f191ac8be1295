"""What the operator remembers: reports folded before anything is decided, notes on Jobs."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from ragwright_core.report import Report
from ragwright_core.spec import REINDEX_ANNOTATION
from ragwright_operator.desired.annotations import NOTE
from ragwright_operator.plan.steps import CreateJob, Step
from tests.kit.operator import apply, one_round, rounds
from tests.kit.operator_index import BEGIN
from tests.kit.operator_world import Killed, World

UNCHANGED = Report(outcome="unchanged", number=1, source_revision="configMap 1")


@pytest.fixture
async def world() -> World:
    """Version 1 is live, and Jobs that load do not end by themselves."""
    made = apply()
    await rounds(made)
    made.running.add("load")
    return made


def killed(step: Step) -> None:
    if isinstance(step, CreateJob):
        raise Killed


async def load_begins(world: World) -> str:
    """Name of the Job that the next round makes."""
    before = set(world.names("Job"))
    await one_round(world)
    [job] = set(world.names("Job")) - before
    return job


async def test_one_round_finishes_a_build_and_starts_the_next(world: World) -> None:
    world.edit_spec(reindex={"schedule": "@hourly"})
    world.now = BEGIN.replace(hour=9, minute=59)
    second = await load_begins(world)
    await one_round(world)
    world.finish(second, UNCHANGED)
    world.now = BEGIN.replace(hour=10, minute=1)
    third = await load_begins(world)
    assert world.names("Job") == [second, third], "the report was not persisted before this round"
    assert [entry.outcome for entry in world.status.history] == ["unchanged", "swapped"]
    await one_round(world)
    assert world.names("Job") == [third]


async def test_what_a_job_was_made_for_is_found_on_it_after_a_crash(world: World) -> None:
    world.annotate(REINDEX_ANNOTATION, "second")
    with pytest.raises(Killed):
        await one_round(world, killed)
    [second] = world.names("Job")
    asked_at = world.now
    world.settle()
    await one_round(world)
    build = world.status.operator.build
    assert build is not None
    assert (build.why, build.outcome) == ("asked for by annotation", "running")
    assert build.asked_at == asked_at, "its documents were asked for when the Job was made"
    assert second.endswith("-load-1")


async def test_a_report_that_no_operator_saw_is_recorded_although_something_newer_is_wanted(
    world: World,
) -> None:
    world.annotate(REINDEX_ANNOTATION, "second")
    with pytest.raises(Killed):
        await one_round(world, killed)
    [second] = world.names("Job")
    world.finish(second, UNCHANGED)
    world.edit_spec(chunking={"maxCharacters": 500})
    third = await load_begins(world)
    assert second in world.names("Job")
    await one_round(world)
    entry = world.status.history[0]
    assert (entry.outcome, entry.why) == ("unchanged", "asked for by annotation")
    await one_round(world)
    assert world.names("Job") == [third]


@pytest.mark.parametrize("note", [None, "{}", "not JSON"])
async def test_a_job_that_does_not_say_what_it_is_for_is_made_anew(
    world: World, note: str | None
) -> None:
    world.annotate(REINDEX_ANNOTATION, "second")
    with pytest.raises(Killed):
        await one_round(world, killed)
    [second] = world.names("Job")
    annotations = world.objects["Job", second]["metadata"]["annotations"]
    annotations.pop(NOTE)
    if note is not None:
        annotations[NOTE] = note
    await one_round(world)
    assert ("Job", second) in world.deleted
    world.running.clear()
    await rounds(world)
    assert world.created.count(("Job", second)) == 2
    assert world.status.index.live is not None
    assert world.status.index.live.number == 2


async def test_a_note_of_a_newer_release_is_read(world: World) -> None:
    world.annotate(REINDEX_ANNOTATION, "second")
    with pytest.raises(Killed):
        await one_round(world, killed)
    [second] = world.names("Job")
    annotations = world.objects["Job", second]["metadata"]["annotations"]
    annotations[NOTE] = annotations[NOTE].replace("{", '{"later": 1, ', 1)
    with capture_logs() as logs:
        await one_round(world)
    assert [(line["of"], line["fields"]) for line in logs if "fields" in line] == [
        ("note of a Job", ["later"])
    ]
    assert world.names("Job") == [second]
    assert world.status.operator.build is not None
    assert world.status.operator.build.outcome == "running"

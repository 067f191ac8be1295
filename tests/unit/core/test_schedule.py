"""Cron lines: what is read, what is refused, and when a build is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from ragwright_core.schedule import last_due, next_due
from ragwright_core.spec import KIND, RagPipelineSpec, Reindex
from tests.kit.operator import PIN_1, apply, one_round, pipeline, pod_of_api, rounds
from tests.kit.operator_index import BEGIN
from tests.kit.operator_world import NAME, World

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "now", "last", "following"),
    [
        ("@hourly", "Etc/UTC", "2026-11-23 08:30", "2026-11-23 08:00", "2026-11-23 09:00"),
        ("@hourly", "Etc/UTC", "2026-11-23 08:00", "2026-11-23 08:00", "2026-11-23 09:00"),
        ("@nightly", "Europe/Berlin", "2026-11-23 08:00", "2026-11-23 01:00", "2026-11-24 01:00"),
        ("@nightly", "Europe/Berlin", "2026-07-01 08:00", "2026-07-01 00:00", "2026-07-02 00:00"),
        ("30 6 * * MON", "Asia/Tokyo", "2026-11-23 08:00", "2026-11-22 21:30", "2026-11-29 21:30"),
        # The clocks go forward over 02:30 and back over it: due once, each time.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29 01:00", "2026-03-30 00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 12:00", "2026-10-25 00:30", "2026-10-26 01:30"),
    ],
)
def test_when_a_schedule_is_due(
    schedule: str, zone: str, now: str, last: str, following: str
) -> None:
    assert last_due(schedule, zone, at(now)) == at(last)
    assert next_due(schedule, zone, at(now)) == at(following)


@pytest.mark.parametrize(
    ("schedule", "zone"),
    [
        ("30 2 * * *", "Europe/Berlin"),
        ("*/20 * * * *", "Europe/Berlin"),
        ("@hourly", "Europe/Berlin"),
        ("0 2 * * *", "America/New_York"),
        ("45 1 * * *", "Australia/Lord_Howe"),  # half an hour is repeated
    ],
)
@pytest.mark.parametrize("day", ["2026-10-24", "2026-11-01", "2026-03-28", "2026-04-04"])
def test_the_last_moment_never_goes_back_while_clocks_change(
    schedule: str, zone: str, day: str
) -> None:
    minutes = [at(f"{day} 00:00") + timedelta(minutes=5 * n) for n in range(36 * 12)]
    found = [last_due(schedule, zone, minute) for minute in minutes]
    assert None not in found
    assert found == sorted(found, key=lambda moment: moment or at(day))
    for minute, moment in zip(minutes, found, strict=True):
        assert moment is not None
        following = next_due(schedule, zone, moment)
        assert moment <= minute
        assert following is not None
        assert following > minute


@pytest.mark.parametrize(
    "schedule", ["* * * *", "61 * * * *", "@yearly!", "0 0 31 2 *", "* * * * * *"]
)
def test_a_wrong_cron_line_says_what_to_write(schedule: str) -> None:
    with pytest.raises(ValidationError, match=r"write five fields .* or one of @hourly, @nightly"):
        Reindex(schedule=schedule)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "CET+1", "../etc/passwd"])
def test_a_wrong_time_zone_says_what_to_write(zone: str) -> None:
    with pytest.raises(ValidationError, match="write an IANA name, for example Europe/Berlin"):
        Reindex(schedule="@hourly", time_zone=zone)


async def scheduled(**reindex: str) -> World:
    world = apply(pipeline(reindex={"schedule": "@hourly", **reindex}))
    await rounds_of_a_minute(world)
    assert outcomes(world) == ["first build"]
    return world


async def rounds_of_a_minute(world: World) -> None:
    """Rounds until nothing is left to do now; the next moment of the schedule is never rest."""
    for _ in range(12):
        await one_round(world)
        world.settle()


def outcomes(world: World) -> list[str]:
    return [entry.why for entry in world.status.history]


async def test_each_hour_is_built_once() -> None:
    world = await scheduled()
    assert "the next build is due at 2026-11-23 09:00 Etc/UTC" in (
        world.condition("Reindexing").message
    )
    for hour in (9, 10):
        world.now = BEGIN.replace(hour=hour, minute=1)
        await rounds_of_a_minute(world)
        assert outcomes(world)[0] == f"scheduled for 2026-11-23 {hour:02}:00 Etc/UTC"
    assert len(outcomes(world)) == 3


@pytest.mark.parametrize("edit", [{"schedule": "@nightly"}, {"timeZone": "Asia/Tokyo"}])
async def test_a_schedule_that_is_written_now_has_missed_nothing(edit: dict[str, str]) -> None:
    """At 14:00, one for 02:00 begins at the next 02:00."""
    world = await scheduled(schedule="30 5 * * *")
    world.now = BEGIN.replace(hour=23, minute=0)
    await rounds_of_a_minute(world)
    before = outcomes(world)
    world.edit_spec(reindex={"schedule": "30 5 * * *", **edit})
    written: dict[str, Any] = {f"f:{name}": {} for name in edit}
    entry = {"time": world.now.isoformat(), "fieldsV1": {"f:spec": {"f:reindex": written}}}
    world.objects[KIND, NAME]["metadata"]["managedFields"] = [entry]
    world.now = BEGIN.replace(hour=23, minute=1)
    await rounds_of_a_minute(world)
    assert outcomes(world) == before
    world.now += 24 * HOUR
    await rounds_of_a_minute(world)
    assert len(outcomes(world)) == len(before) + 1
    assert "scheduled for" in outcomes(world)[0]


async def test_missed_runs_are_made_up_once() -> None:
    world = await scheduled()
    world.now = BEGIN + 30 * HOUR
    await rounds_of_a_minute(world)
    assert outcomes(world) == ["scheduled for 2026-11-24 14:00 Etc/UTC", "first build"]


async def test_a_build_that_began_after_the_hour_serves_it() -> None:
    world = await scheduled()
    world.now = BEGIN.replace(hour=9, minute=10)
    world.edit_spec(chunking={"maxCharacters": 500})
    await rounds_of_a_minute(world)
    assert outcomes(world) == ["the spec changed: chunking.maxCharacters", "first build"]


async def test_never_two_builds_of_one_pipeline() -> None:
    world = await scheduled()
    world.now = BEGIN.replace(hour=9, minute=1)
    world.running.add("load")
    await rounds_of_a_minute(world)
    world.now = BEGIN.replace(hour=11, minute=1)
    await rounds_of_a_minute(world)
    assert len(world.names("Job")) == 1
    world.running.clear()
    await rounds_of_a_minute(world)
    await rounds_of_a_minute(world)
    assert outcomes(world)[:2] == [
        "scheduled for 2026-11-23 11:00 Etc/UTC",
        "scheduled for 2026-11-23 09:00 Etc/UTC",
    ]


async def test_suspend_and_a_pin_hold_the_schedule_and_it_is_made_up_once() -> None:
    world = await scheduled()
    pod_of_api(world)
    for held, free in (
        ({"suspend": True}, {"suspend": False}),
        ({"reindex": {"schedule": "@hourly", **PIN_1}}, {"reindex": {"schedule": "@hourly"}}),
    ):
        before = len(outcomes(world))
        world.edit_spec(**held)
        world.now += 3 * HOUR
        await rounds_of_a_minute(world)
        assert [why for why in outcomes(world)[:-before] if "scheduled" in why] == []
        world.edit_spec(**free)
        for _ in range(3):
            await rounds_of_a_minute(world)
        assert len([why for why in outcomes(world)[:-before] if "scheduled" in why]) == 1


async def test_a_retry_of_the_former_listing_does_not_serve_the_hour() -> None:
    world = await scheduled()
    world.now = BEGIN.replace(hour=9, minute=59)
    world.edit_spec(chunking={"maxCharacters": 500})
    world.running.add("load")
    await one_round(world)
    await one_round(world)
    [load] = world.names("Job")
    world.now = BEGIN.replace(hour=10, minute=1)
    world.finish(load, None)
    await one_round(world)
    world.running.clear()
    world.now += timedelta(minutes=1)
    for _ in range(2):
        await rounds_of_a_minute(world)
    assert outcomes(world)[0] == "scheduled for 2026-11-23 10:00 Etc/UTC"


async def test_a_spec_that_cannot_be_read_changes_nothing_and_says_why() -> None:
    world = await scheduled()
    world.edit_spec(reindex={"schedule": "every night"})
    await rounds(world)
    degraded = world.condition("Degraded")
    assert degraded.reason == "InvalidSpec"
    assert "'every night' is not a schedule: write five fields" in degraded.message
    assert world.status.index.live is not None


def test_the_default_is_no_schedule() -> None:
    spec = RagPipelineSpec.model_validate({"sources": [{"name": "a", "configMap": {"name": "a"}}]})
    assert spec.reindex.schedule is None

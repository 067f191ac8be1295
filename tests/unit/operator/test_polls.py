"""Documents that nothing watches are looked at now and then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.model import fingerprint
from ragwright_core.report import Problem, Reason
from ragwright_core.spec import KIND, REINDEX_ANNOTATION
from ragwright_operator.effects.observe import observe
from ragwright_operator.wanted.polls import next_poll
from tests.kit.operator import apply, live, loads, one_round, pipeline, reconciler
from tests.kit.operator_world import NAME, World

GIT = {"name": "code", "git": {"url": "https://git.example/docs"}}
CONFIG_MAP = {"name": "handbook", "configMap": {"name": "handbook"}}
EVERY = timedelta(minutes=10)


async def built(sources: list[dict[str, Any]], **spec: Any) -> World:
    spec["reindex"] = {"pollInterval": "10m", **spec.get("reindex", {})}
    world = apply(pipeline(sources=sources, **spec))
    world.same_documents = True
    await settled(world)
    assert live(world) == 1
    return world


async def settled(world: World) -> None:
    """Rounds until nothing changes: the next look lies ahead for ever."""
    for _ in range(40):
        made = await one_round(world)
        world.settle()
        if made is not None and not made.changed:
            return
    raise AssertionError(world.status)


async def during(world: World, span: timedelta, step: timedelta = timedelta(seconds=60)) -> None:
    """Let time pass, with a round at each step, as the resync makes it."""
    end = world.now + span
    while world.now < end:
        world.now += step
        await settled(world)


async def test_looks_that_find_nothing_leave_one_line() -> None:
    world = await built([GIT])
    await during(world, 3 * EVERY)
    assert (loads(world), live(world)) == (4, 1)
    history = world.status.history
    assert [entry.outcome for entry in history] == ["unchanged", "swapped"]
    assert history[0].why == "documents are looked at every 10m"
    events = [item for (kind, _), item in world.objects.items() if kind == "Event"]
    assert sum(item.get("count", 1) for item in events if item["reason"] == "Swapped") == 1


async def test_a_look_that_finds_a_change_is_the_build() -> None:
    world = await built([GIT])
    world.same_documents = False
    await during(world, EVERY)
    assert (loads(world), live(world)) == (2, 2)


@pytest.mark.parametrize(
    ("sources", "interval", "looks"),
    [
        ([GIT], "5m", 2),
        ([GIT], "0", 0),
        ([CONFIG_MAP], "5m", 0),  # watched
        ([GIT, CONFIG_MAP], "10m", 1),
    ],
)
async def test_how_often(sources: list[dict[str, Any]], interval: str, looks: int) -> None:
    world = await built(sources, reindex={"pollInterval": interval})
    await during(world, EVERY)
    assert loads(world) == 1 + looks


async def test_a_moment_that_was_missed_is_not_made_up() -> None:
    """Else a thousand pipelines would look at once when the operator comes back."""
    world = await built([GIT])
    world.now = await last_moment(world) + timedelta(hours=5, minutes=5)
    await settled(world)
    assert loads(world) == 1
    await during(world, EVERY)
    assert loads(world) == 2


async def last_moment(world: World) -> Any:
    item = world.objects[KIND, NAME]
    made = reconciler(world)
    found = next_poll(await observe(item, made.site, made.readers), world.now)
    assert found is not None
    return found - EVERY


async def test_nothing_is_looked_at_while_pinned_suspended_or_after_a_failed_gate() -> None:
    world = await built([GIT], reindex={"keep": 1})
    world.edit_spec(reindex={"keep": 1, "pin": 1, "pollInterval": "10m"})
    await during(world, 2 * EVERY)
    world.edit_spec(reindex={"keep": 1, "pollInterval": "10m"}, suspend=True)
    await during(world, 2 * EVERY)
    assert loads(world) == 1
    world.edit_spec(suspend=False)
    world.problems["index"] = Problem(reason=Reason.GATE_FAILED, message="maxShrink")
    world.annotate(REINDEX_ANNOTATION, "again")
    await settled(world)
    await during(world, 2 * EVERY)
    assert loads(world) == 2


async def test_sources_stand_in_the_status_as_they_were_last_found() -> None:
    world = await built([GIT])
    [first] = world.status.sources
    await during(world, EVERY)
    [second] = world.status.sources
    assert (first.name, first.revision) == (second.name, second.revision)
    assert EVERY / 10 < second.looked_at - first.looked_at <= EVERY


def test_moments_of_a_thousand_pipelines_are_spread() -> None:
    shares = sorted(int(fingerprint(f"uid-{n}")[:8], 16) / 2**32 for n in range(1000))
    in_a_minute = [sum(at <= share < at + 1 / 60 for share in shares) for at in shares]
    assert max(in_a_minute) < 40


async def test_a_look_is_told_to_its_job_and_no_other_build_is() -> None:
    world = await built([GIT])
    [first] = [name for kind, name in world.created if kind == "Job" and "-load-" in name]
    world.running = {"load"}
    while loads(world) == 1:
        world.now += timedelta(seconds=30)
        await one_round(world)
    [job] = [item for (kind, name), item in world.objects.items() if kind == "Job"]
    assert job["metadata"]["name"] != first
    assert world.build_order(job).poll
    world.running = set()
    world.settle()
    await settled(world)
    world.running = {"load"}
    world.annotate(REINDEX_ANNOTATION, "again")
    await one_round(world)
    [job] = [item for (kind, name), item in world.objects.items() if kind == "Job"]
    assert not world.build_order(job).poll

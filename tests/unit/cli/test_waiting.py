"""When `kubectl rag reindex --wait` ends, over the operator's own rounds."""

from __future__ import annotations

import pytest

from ragwright_cli.pipeline import read_pipeline
from ragwright_cli.reading.waiting import Stage, hindrance, stage
from ragwright_core.report import Problem, Reason
from ragwright_core.spec import KIND, REINDEX_ANNOTATION
from tests.kit.argocd import SCENES
from tests.kit.operator import one_round, rounds, two_versions
from tests.kit.operator_world import NAME, World


def looked(world: World) -> Stage:
    return stage(read_pipeline(world.objects[KIND, NAME]))


async def stages(world: World) -> list[Stage]:
    """What is seen round by round until it ends, each once."""
    world.annotate(REINDEX_ANNOTATION, "now, please")
    seen = [looked(world)]
    for _ in range(20):
        await one_round(world)
        world.settle()
        if (now := looked(world)) != seen[-1]:
            seen.append(now)
        if now.state != "waiting":
            return seen
    raise AssertionError(f"no end: {seen}")


async def test_from_being_asked_for_to_a_live_version() -> None:
    first, *between, last = await stages(await two_versions())
    assert first == Stage("waiting", "the operator has not begun yet")
    assert any(now.words.endswith("asked for by annotation") for now in between)
    assert last.state == "done"
    assert last.words.startswith("version 3 is live: ")


async def test_an_earlier_build_is_not_taken_for_ours() -> None:
    world = await SCENES["gates_failed"]()
    world.failed_gates = ()
    assert (await stages(world))[-1].words.startswith("version 4 is live")


async def test_documents_that_are_counted_fill_the_bar() -> None:
    world = await SCENES["routine_build"]()
    progress = {"phase": "load", "done": 30, "total": 120, "text": "load 30/120"}
    world.objects[KIND, NAME]["status"]["progress"] = progress
    now = looked(world)
    assert (now.state, now.done, now.total) == ("waiting", 30, 120)
    assert now.line == "load: asked for by annotation 30/120"


async def test_a_version_that_waits_for_approval_is_an_end() -> None:
    world = await two_versions(approval="Automatic")
    world.edit_spec(reindex={"keep": 1, "approval": "Manual"})
    last = (await stages(world))[-1]
    assert last.state == "done"
    assert last.words.endswith("kubectl rag approve docs -n team")


async def test_failed_gates_and_what_a_person_must_mend_end_it() -> None:
    gates = await two_versions()
    gates.failed_gates = ("maxShrink",)
    assert (await stages(gates))[-1].state == "failed"
    gone = await two_versions()
    gone.problems["load"] = Problem(reason=Reason.SOURCE_NOT_FOUND, message="no branch main")
    last = (await stages(gone))[-1]
    assert (last.state, last.words) == ("failed", "no branch main")


async def test_what_is_retried_goes_on() -> None:
    world = await SCENES["build_retried_while_answering"]()
    assert looked(world).state == "waiting"
    world.problems.clear()
    world.now = world.now.replace(hour=9)
    await rounds(world)
    assert looked(world).state == "done"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"reindex": {"keep": 1, "pin": 1}}, "version 1 is pinned"),
        ({"suspend": True}, "suspend is true"),
    ],
)
async def test_what_is_built_later_is_not_waited_for(spec: dict[str, object], words: str) -> None:
    world = await two_versions()
    world.edit_spec(**spec)
    for _ in range(8):
        await one_round(world)
        world.settle()
    last = (await stages(world))[-1]
    assert last.state == "failed"
    assert words in last.words
    assert words in hindrance(read_pipeline(world.objects[KIND, NAME]))


async def test_a_spec_that_cannot_be_read_ends_it() -> None:
    last = (await stages(await SCENES["unreadable_spec"]()))[-1]
    assert last.state == "failed"
    assert "the spec cannot be used" in last.words

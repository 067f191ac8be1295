"""A pipeline's whole life, round by round, in a Kubernetes in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.report import Reason, Report
from ragwright_core.spec import KIND, REINDEX_ANNOTATION, RagPipelineSpec, shape_fingerprint
from ragwright_operator.plan.steps import Step
from tests.kit.operator import apply, kill_after, one_round, pipeline, pod_of_api, rounds
from tests.kit.operator_index import failing
from tests.kit.operator_world import NAME, NAMESPACE, Killed, World

NAMES = PipelineName(NAMESPACE, NAME)


async def test_from_apply_to_answers() -> None:
    world = apply()
    await rounds(world)
    status = world.status
    assert status.index.live is not None
    assert (status.index.live.number, status.index.live.documents) == (1, 2)
    assert {item.type: item.status for item in status.conditions} == {
        "Ready": "True",
        "IndexReady": "True",
        "ApiAvailable": "True",
        "CacheAvailable": "True",
        "Reindexing": "False",
        "Degraded": "False",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert status.last_swap is not None
    assert status.last_swap.milliseconds == 3
    assert [entry.outcome for entry in status.history] == ["swapped"]
    assert world.names("Job") == []
    assert sorted(world.events()) == ["BuildStarted", "Swapped"]


async def test_at_rest_nothing_is_written() -> None:
    world = apply()
    await rounds(world)
    before = (len(world.applied), len(world.created), world.objects[KIND, NAME]["status"])
    made = await one_round(world)
    assert made is not None
    assert not made.changed
    assert (len(world.applied), len(world.created), world.objects[KIND, NAME]["status"]) == before


async def test_load_waits_for_postgres_and_index_for_load() -> None:
    world = apply()
    await one_round(world)
    await one_round(world)
    assert world.names("Job") == []
    assert "managed Postgres is not ready" in world.condition("Reindexing").message
    world.settle()
    await one_round(world)
    [load] = world.names("Job")
    assert load.endswith("-load-1")
    world.running.add(load)
    world.settle()
    await one_round(world)
    assert world.names("Job") == [load]
    world.running.clear()
    world.settle()
    await one_round(world)
    assert [name.rpartition("-load")[1] for name in world.names("Job")] == ["-load", ""]


async def test_an_annotation_asks_for_a_build_and_its_removal_does_not() -> None:
    world = apply()
    await rounds(world)
    world.annotate(REINDEX_ANNOTATION, "today")
    await rounds(world)
    assert world.status.index.live is not None
    assert world.status.index.live.number == 2
    assert world.status.index.previous is not None
    assert world.status.index.previous.number == 1
    assert world.status.history[0].why == "asked for by annotation"
    del world.objects[KIND, NAME]["metadata"]["annotations"]
    await rounds(world)
    assert len(world.status.history) == 2


async def test_a_change_that_does_not_shape_the_index_builds_nothing() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(retrieval={"topK": 9}, api={"replicas": 1})
    await rounds(world)
    assert len(world.status.history) == 1
    assert world.objects["Deployment", NAMES.api]["spec"]["replicas"] == 1


async def test_settings_that_go_there_and_back_are_built_each_time() -> None:
    world = apply()
    await rounds(world)
    jobs = {name for kind, name in world.created if kind == "Job"}
    for size in (500, 1000):
        world.edit_spec(chunking={"maxCharacters": size})
        await rounds(world)
        fresh = {name for kind, name in world.created if kind == "Job"} - jobs
        assert len(fresh) == 2
        jobs |= fresh
    assert [entry.outcome for entry in world.status.history] == ["swapped"] * 3


async def test_a_newer_wish_supersedes_a_running_build() -> None:
    world = apply()
    await one_round(world)
    await one_round(world)
    world.settle()
    await one_round(world)
    [old] = world.names("Job")
    world.running.add(old)
    await one_round(world)
    world.edit_spec(chunking={"maxCharacters": 500})
    await rounds(world)
    assert ("Job", old) in world.deleted
    assert [entry.outcome for entry in world.status.history] == ["swapped", "superseded"]
    assert world.status.index.live is not None
    spec = RagPipelineSpec.model_validate(world.objects[KIND, NAME]["spec"])
    assert world.status.index.live.shape == shape_fingerprint(spec)


async def test_a_swap_shows_only_when_its_job_reports() -> None:
    """The API may know of the swap a second before every pod of it does."""
    world = apply()
    await rounds(world)
    world.annotate(REINDEX_ANNOTATION, "again")
    world.running.add("index")
    for _ in range(4):
        await one_round(world)
        world.settle()
    [index] = [name for name in world.names("Job") if "-index-" in name]
    report = world.report("index", world.build_order(world.objects["Job", index]))
    await one_round(world)
    assert world.live is not None
    assert world.live.number == 2
    assert world.status.index.live is not None
    assert world.status.index.live.number == 1
    world.finish(index, report)
    await one_round(world)
    assert world.status.index.live.number == 2


async def test_unchanged_documents_make_no_version() -> None:
    world = apply()
    await rounds(world)
    world.annotate(REINDEX_ANNOTATION, "again")
    world.running.add("load")
    await one_round(world)
    await one_round(world)
    [load] = world.names("Job")
    world.finish(load, Report(outcome="unchanged", number=1, source_revision="configMap 1"))
    await rounds(world)
    assert [entry.outcome for entry in world.status.history] == ["unchanged", "swapped"]
    assert world.status.index.live is not None
    assert world.status.index.live.number == 1


async def test_a_failure_is_told_retried_later_and_forgotten_when_mended() -> None:
    world = apply()
    world.problems["load"] = failing(Reason.SOURCE_UNREACHABLE, "git does not answer; see to it")
    for _ in range(8):
        await one_round(world)
        world.settle()
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "SourceUnreachable")
    assert degraded.message.startswith("git does not answer; see to it (attempt 1; the next at ")
    assert world.condition("Ready").reason == "SourceUnreachable"
    assert "BuildFailed" in world.events()
    [job] = world.names("Job")
    assert job.endswith("-load-1"), "the failed Job is kept for its logs"
    world.now += timedelta(seconds=15)
    await one_round(world)
    await one_round(world)
    build = world.status.operator.build
    assert build is not None
    assert (build.attempt, build.outcome) == (2, "running")
    assert world.condition("Degraded").message.endswith("(attempt 2 runs)")
    assert "Recovered" not in world.events(), "an attempt that runs has mended nothing"
    world.problems.clear()
    await rounds(world)
    assert ("Job", job) in world.deleted
    assert world.condition("Degraded").status == "False"
    assert "Recovered" in world.events()
    second, first = world.status.history
    assert (first.outcome, second.outcome, second.attempt) == ("failed", "swapped", 2)


async def test_a_lost_report_is_had_again_by_another_attempt() -> None:
    world = apply()
    for _ in range(3):
        await one_round(world)
        if not world.names("Job"):
            world.settle()
    [load] = world.names("Job")
    world.finish(load, None)
    await one_round(world)
    await one_round(world)
    assert world.status.history[0].outcome == "failed"
    assert "was lost" in world.status.history[0].message
    world.now += timedelta(seconds=15)
    await rounds(world)
    assert world.condition("Ready").status == "True"


async def test_a_finished_job_waits_for_its_pods_to_be_seen() -> None:
    world = apply()
    for _ in range(3):
        await one_round(world)
        if not world.names("Job"):
            world.settle()
    [load] = world.names("Job")
    labels = world.objects["Job", load]["metadata"]["labels"]
    world.add_pod("late", labels, job=load, phase="Running")
    world.finish(load)
    await one_round(world)
    assert world.status.operator.build is not None
    assert world.status.operator.build.outcome == "running"
    assert world.status.history == []


async def test_suspend_starts_nothing_and_lets_what_runs_go_on() -> None:
    world = apply(pipeline(suspend=True))
    await rounds(world)
    assert not any(kind == "Job" for kind, _ in world.created)
    assert world.condition("Reindexing").reason == "Suspended"
    world.edit_spec(suspend=False)
    await one_round(world)
    world.edit_spec(suspend=True)
    await rounds(world)
    assert world.status.index.live is not None


@pytest.mark.parametrize("live", [None, "another shape"])
async def test_a_live_version_that_does_not_fit_is_built_anew(live: str | None) -> None:
    world = apply()
    await rounds(world)
    pod_of_api(world)
    assert world.live is not None
    world.live = world.live.model_copy(update={"shape": live}) if live else None
    await rounds(world)
    assert len(world.status.history) == 1, "the API may be a moment behind"
    world.now += timedelta(minutes=2)
    await rounds(world)
    assert world.status.history[0].outcome == "swapped"
    assert "live version" in world.status.history[0].why
    assert len(world.status.history) == 2


async def test_no_swap_before_every_ready_pod_has_the_endpoints_key() -> None:
    world = apply()
    await rounds(world)
    pod_of_api(world, "old")
    endpoint = {"provider": "openai", "model": "m", "baseUrl": "http://e", "dimensions": 8}
    world.edit_spec(embedding={**endpoint, "secretKeyRef": {"name": "key", "key": "token"}})
    for _ in range(4):
        await one_round(world)
        world.settle()
    assert [name for name in world.names("Job") if "-index-" in name] == []
    assert "mounts Secret key" in world.condition("Reindexing").message
    world.remove("Pod", "old")
    volume = {"name": "s", "secret": {"secretName": "key", "items": [{"key": "token"}]}}
    pod_of_api(world, "new", volumes=[volume])
    await rounds(world)
    assert world.status.index.live is not None
    assert world.status.index.live.number == 2
    assert world.status.operator.kept[0].secret_key_ref is not None


async def test_the_old_endpoints_secret_stays_while_its_version_is_kept() -> None:
    endpoint = {"provider": "openai", "model": "m", "baseUrl": "http://e", "dimensions": 8}
    key = {"name": "old-key", "key": "token"}
    world = apply(pipeline(embedding={**endpoint, "secretKeyRef": key}))
    await rounds(world)
    world.edit_spec(embedding={"provider": "embedded", "model": "wordllama"})
    await rounds(world)
    assert "old-key" in _mounted(world)
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    assert "old-key" not in _mounted(world)


def _mounted(world: World) -> set[str]:
    volumes = world.objects["Deployment", NAMES.api]["spec"]["template"]["spec"]["volumes"]
    return {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}


async def _life(world: World, kill: int) -> None:
    """Apply, build, change the spec, build again; killed once after a given number of steps."""
    with kill_after(kill) as after_step:
        await _rounds_however(world, after_step)
        world.edit_spec(chunking={"maxCharacters": 500})
        await _rounds_however(world, after_step)


async def _rounds_however(world: World, after_step: Callable[[Step], None]) -> None:
    try:
        await rounds(world, after_step)
    except Killed:
        await rounds(world)


async def test_killed_after_any_step_the_end_is_the_same_and_no_job_runs_twice() -> None:
    faultless = apply()
    await _life(faultless, kill=10**6)
    steps = len(faultless.applied) + len(faultless.created) + len(faultless.deleted)
    assert steps >= 30
    for kill in range(1, steps + 12):
        world = apply()
        await _life(world, kill)
        assert world.shape() == faultless.shape(), f"killed after step {kill}"
        jobs = [place for place in world.created if place[0] == "Job"]
        assert len(jobs) == len(set(jobs)) == 4, f"killed after step {kill}"

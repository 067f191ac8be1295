"""A pipeline's whole life, round by round, in a Kubernetes in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_core.report import Reason, Report
from ragwright_core.spec import KIND, REINDEX_ANNOTATION, RagPipelineSpec, shape_fingerprint
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.plan.steps import Step
from tests.operator_kit import (
    NAME,
    NAMESPACE,
    Killed,
    World,
    apply,
    failing,
    kill_after,
    one_round,
    order_of,
    pipeline,
    rounds,
)

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


async def test_whoever_mounts_the_managed_password_waits_for_its_volume() -> None:
    world = apply()
    await one_round(world)
    assert NAMES.postgres not in world.names("StatefulSet")
    assert NAMES.api not in world.names("Deployment")
    assert world.names("Secret") == [NAMES.redis]
    await one_round(world)
    assert world.created.index(("Secret", NAMES.postgres)) > 0
    [owner] = world.objects["Secret", NAMES.postgres]["metadata"]["ownerReferences"]
    claim = world.objects["PersistentVolumeClaim", NAMES.postgres]
    assert (owner["kind"], owner["uid"]) == ("PersistentVolumeClaim", claim["metadata"]["uid"])


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
    report = world.report("index", order_of(world.objects["Job", index]))
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
    assert world.status.build is not None
    assert (world.status.build.attempt, world.status.build.outcome) == (2, "running")
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
    assert world.status.build is not None
    assert world.status.build.outcome == "running"
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
    world.add_pod("api-1", {"app.kubernetes.io/managed-by": "ragwright"} | _api_labels())
    assert world.live is not None
    world.live = world.live.model_copy(update={"shape": live}) if live else None
    await rounds(world)
    assert len(world.status.history) == 1, "the API may be a moment behind"
    world.now += timedelta(minutes=2)
    await rounds(world)
    assert world.status.history[0].outcome == "swapped"
    assert "live version" in world.status.history[0].why
    assert len(world.status.history) == 2


def _api_labels() -> dict[str, str]:
    return {"ragwright.dev/pipeline": NAME, "app.kubernetes.io/component": "api"}


async def test_no_swap_before_every_ready_pod_has_the_endpoints_key() -> None:
    world = apply()
    await rounds(world)
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    labels = {"app.kubernetes.io/managed-by": "ragwright"} | _api_labels()
    world.add_pod("old", labels, status=ready)
    endpoint = {"provider": "openai", "model": "m", "baseUrl": "http://e", "dimensions": 8}
    world.edit_spec(embedding={**endpoint, "secretRef": {"name": "key", "key": "token"}})
    for _ in range(4):
        await one_round(world)
        world.settle()
    assert [name for name in world.names("Job") if "-index-" in name] == []
    assert "mounts Secret key" in world.condition("Reindexing").message
    world.remove("Pod", "old")
    volume = {"name": "s", "secret": {"secretName": "key", "items": [{"key": "token"}]}}
    world.add_pod("new", labels, status=ready, volumes=[volume])
    await rounds(world)
    assert world.status.index.live is not None
    assert world.status.index.live.number == 2
    assert world.status.kept[0].secret_ref is not None


async def test_the_old_endpoints_secret_stays_while_its_version_is_kept() -> None:
    endpoint = {"provider": "openai", "model": "m", "baseUrl": "http://e", "dimensions": 8}
    key = {"name": "old-key", "key": "token"}
    world = apply(pipeline(embedding={**endpoint, "secretRef": key}))
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


async def test_drift_is_repaired_and_a_deleted_child_comes_back() -> None:
    world = apply()
    await rounds(world)
    whole = world.shape()
    children = [place for place in whole if place[0] not in (KIND, "Secret")]
    for kind, name in children:
        if kind == "PersistentVolumeClaim":
            continue
        world.objects[kind, name]["metadata"]["labels"]["app.kubernetes.io/name"] = "edited"
        await rounds(world)
        assert world.shape() == whole, f"{kind} {name} edited"
        world.remove(kind, name)
        await rounds(world)
        assert world.shape() == whole, f"{kind} {name} deleted"
    assert len(children) > 10


@pytest.mark.parametrize(
    ("place", "part", "value"),
    [
        (("Service", NAMES.api), "selector", {"app": "someone-else"}),
        (("NetworkPolicy", NAMES.api), "ingress", []),
        (("Deployment", NAMES.api), "replicas", 7),
    ],
)
async def test_edits_of_the_spec_are_repaired(
    place: tuple[str, str], part: str, value: Any
) -> None:
    world = apply()
    await rounds(world)
    whole = world.shape()
    spec = world.objects[place]["spec"]
    spec[part] = spec[part] | value if isinstance(value, dict) else value
    await rounds(world)
    assert world.shape() == whole


async def test_stray_keys_leave_a_config_map() -> None:
    world = apply()
    await rounds(world)
    whole = world.shape()
    world.objects["ConfigMap", NAMES.api]["data"]["stray"] = ""
    await rounds(world)
    assert world.shape() == whole


async def test_a_secret_made_anew_restarts_its_server() -> None:
    world = apply()
    await rounds(world)
    before = world.objects["Deployment", NAMES.redis]["spec"]["template"]
    world.remove("Secret", NAMES.redis)
    await rounds(world)
    assert world.names("Secret").count(NAMES.redis) == 1
    assert world.objects["Deployment", NAMES.redis]["spec"]["template"] != before


@pytest.mark.parametrize("labelled", [True, False])
async def test_an_object_of_someone_else_is_refused_and_left_alone(*, labelled: bool) -> None:
    world = apply()
    labels = {"app.kubernetes.io/managed-by": "ragwright", "ragwright.dev/pipeline": NAME}
    owner = {"uid": "another", "controller": True}
    metadata = {
        "name": NAMES.api,
        "namespace": NAMESPACE,
        "labels": labels if labelled else {},
        "ownerReferences": [owner] if labelled else [],
    }
    foreign = {"kind": "Service", "metadata": metadata, "spec": {"mine": True}}
    world.objects["Service", NAMES.api] = foreign
    for _ in range(12):
        await one_round(world)
        world.settle()
    assert world.objects["Service", NAMES.api]["spec"] == {"mine": True}
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "NameTaken")
    assert f"Service {NAMES.api}" in degraded.message
    assert world.condition("Ready").reason == "NoService"
    del world.objects["Service", NAMES.api]
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_a_refused_step_stops_no_other() -> None:
    world = apply()
    world.refuse["Service", NAMES.api] = KubeError(403, "Forbidden", "exceeded quota: services")
    for _ in range(12):
        await one_round(world)
        world.settle()
    assert world.condition("Degraded").reason == "Rejected"
    assert "exceeded quota" in world.condition("Degraded").message
    assert world.status.index.live is not None
    world.refuse.clear()
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_an_overloaded_server_ends_the_round() -> None:
    world = apply()
    world.refuse["Service", NAMES.api] = KubeError(503, "", "try later")
    with pytest.raises(KubeError):
        await one_round(world)


async def test_storage_cannot_shrink() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(database={"managed": {"storage": "1Gi"}})
    await rounds(world)
    assert world.condition("Degraded").reason == "StorageCannotShrink"
    claim = world.objects["PersistentVolumeClaim", NAMES.postgres]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    world.edit_spec(database={"managed": {"storage": "20Gi"}})
    await rounds(world)
    assert claim["metadata"]["uid"] == "uid-of-PersistentVolumeClaim-docs-postgres"
    claim = world.objects["PersistentVolumeClaim", NAMES.postgres]
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert world.condition("Degraded").status == "False"


async def test_a_managed_server_that_is_no_longer_wanted_goes_but_never_its_volume() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(database={"secretRef": {"name": "cnpg-app"}})
    await rounds(world)
    assert NAMES.postgres not in world.names("StatefulSet")
    assert NAMES.postgres in world.names("PersistentVolumeClaim")


async def test_a_spec_that_cannot_be_read_is_told_and_what_runs_goes_on() -> None:
    world = apply()
    await rounds(world)
    world.edit_spec(sources=[])
    await one_round(world)
    assert world.condition("Degraded").reason == "InvalidSpec"
    assert "sources" in world.condition("Degraded").message
    assert world.condition("Ready").status == "True"
    good = pipeline()["spec"]["sources"]
    world.edit_spec(sources=good)
    await rounds(world)
    assert world.condition("Degraded").status == "False"


async def test_a_pod_that_fits_no_node_is_told_in_the_schedulers_words() -> None:
    world = apply()
    await rounds(world)
    said = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "reason": "Unschedulable", "message": said}
    labels = {"app.kubernetes.io/managed-by": "ragwright"} | _api_labels()
    status = {"phase": "Pending", "conditions": [{**condition, "status": "False"}]}
    world.add_pod("stuck", labels, status=status)
    world.now += timedelta(seconds=15)
    await rounds(world)
    assert world.condition("Degraded").reason == "PodsUnschedulable"
    assert said in world.condition("Degraded").message


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

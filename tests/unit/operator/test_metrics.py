"""What the operator tells Prometheus of each pipeline, and what kubectl shows as SAVED."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from ragwright_core.report import Calls, Counts, Reason, Report
from ragwright_core.spec import REINDEX_ANNOTATION
from ragwright_core.status import PipelineStatus
from ragwright_operator.describe.events import events
from ragwright_operator.running.reconcile import Reconciler
from ragwright_operator.telemetry.metrics import Metrics, make_metrics
from tests.kit.operator import apply, pipeline, reconciler
from tests.kit.operator_index import BEGIN, failing
from tests.kit.operator_world import NAME, NAMESPACE, World


@dataclass
class Watched:
    """A world, and one operator that looks after it."""

    world: World
    operator: Reconciler

    @property
    def metrics(self) -> Metrics:
        return self.operator.metrics

    async def round(self) -> bool:
        """Whether it changed anything."""
        made = await self.operator.reconcile(NAMESPACE, NAME)
        assert made is not None
        return made.changed

    async def until_rest(self, most: int = 40) -> None:
        for _ in range(most):
            changed = await self.round()
            self.world.settle()
            if not changed:
                return
        raise AssertionError("no rest")

    async def later(self, minutes: int) -> None:
        self.world.now += timedelta(minutes=minutes)
        await self.until_rest()

    def value(self, name: str, **labels: str) -> float | None:
        labels = {"namespace": NAMESPACE, "pipeline": NAME, **labels}
        return self.metrics.registry.get_sample_value(f"ragwright_{name}", labels)


def watched(world: World) -> Watched:
    return Watched(world, reconciler(world))


@pytest.fixture
async def live() -> Watched:
    made = watched(apply())
    await made.until_rest()
    return made


async def test_what_is_live_is_told(live: Watched) -> None:
    assert live.value("pipeline_ready") == 1
    assert live.value("index_version") == 1
    assert (live.value("index_documents"), live.value("index_chunks")) == (2, 4)
    swapped_at = live.world.status.index.live
    assert swapped_at is not None
    assert live.value("index_swapped_at_seconds") == swapped_at.swapped_at.timestamp()
    assert live.value("builds_total", outcome="swapped") == 1
    assert live.value("index_behind_since_seconds") == 0


async def test_an_operator_that_starts_anew_tells_it_without_a_change(live: Watched) -> None:
    anew = watched(live.world)
    assert not await anew.round()
    assert anew.value("pipeline_ready") == 1
    assert anew.value("index_version") == 1
    assert anew.value("builds_total", outcome="failed") == 0, "a first failure must be a rise"


async def test_chunks_are_told_as_embedded_or_reused_and_never_of_an_unchanged_build(
    live: Watched,
) -> None:
    assert live.value("build_embeddings_total", how="embedded") == 4
    assert live.value("build_embeddings_total", how="reused") == 0
    counts = Counts(documents=2, chunks=4, embedded=1, reused=3)
    for outcome, value in (("unchanged", "a"), ("swapped", "b")):
        live.world.annotate(REINDEX_ANNOTATION, value)
        live.world.running = {"load", "index"}
        await live.until_rest(most=4)
        for step in ("load", "index"):
            [job] = [name for name in live.world.names("Job") if f"-{step}-" in name]
            told = "loaded" if step == "load" and outcome != "unchanged" else outcome
            live.world.finish(
                job, Report.model_validate({"outcome": told, "number": 1, "counts": counts})
            )
            await live.until_rest(most=8)
            if outcome == "unchanged":
                break
        live.world.running.clear()
    assert live.value("build_embeddings_total", how="embedded") == 4 + 1
    assert live.value("build_embeddings_total", how="reused") == 3
    entry = live.world.status.history[0]
    assert (entry.embedded, entry.reused) == (1, 3)


async def test_a_failing_build_is_told_until_one_ends_well(live: Watched) -> None:
    world = live.world
    world.problems["load"] = failing(Reason.SOURCE_UNREACHABLE)
    asked_at = world.now
    world.annotate(REINDEX_ANNOTATION, "again")
    await live.until_rest()
    behind = live.value("index_behind_since_seconds")
    assert behind is not None
    assert 0 <= behind - asked_at.timestamp() <= 5
    for _ in range(3):
        assert live.value("build_failing", reason="SourceUnreachable") == 1
        assert live.value("index_behind_since_seconds") == behind
        await live.later(minutes=20)
    world.problems.clear()
    await live.later(minutes=60)
    assert live.value("index_version") == 2
    assert live.value("build_failing", reason="SourceUnreachable") is None
    assert live.value("index_behind_since_seconds") == 0


async def test_a_failed_gate_is_told_by_name(live: Watched) -> None:
    world = live.world
    world.failed_gates = ("maxShrink", "minRecall")
    world.annotate(REINDEX_ANNOTATION, "again")
    await live.until_rest()
    for gate in world.failed_gates:
        assert live.value("gate_failed", gate=gate) == 1
    assert live.value("build_failing", reason="GateFailed") == 1
    assert live.value("build_embeddings_total", how="embedded") == 8, "they were paid for"
    world.failed_gates = ()
    world.annotate(REINDEX_ANNOTATION, "and again")
    await live.until_rest()
    assert live.value("gate_failed", gate="maxShrink") is None


async def test_what_is_held_back_on_purpose_is_not_behind(live: Watched) -> None:
    live.world.problems["load"] = failing(Reason.SOURCE_UNREACHABLE)
    live.world.annotate(REINDEX_ANNOTATION, "again")
    await live.until_rest()
    assert live.value("index_behind_since_seconds") != 0
    live.world.edit_spec(reindex={"pin": 1})
    await live.until_rest()
    assert live.value("index_behind_since_seconds") == 0
    live.world.edit_spec(reindex={}, suspend=True)
    await live.until_rest()
    assert live.world.condition("Reindexing").reason == "Suspended"
    assert live.value("index_behind_since_seconds") == 0


async def test_a_version_that_waits_for_a_person_is_behind() -> None:
    waiting = watched(apply(pipeline(reindex={"approval": "Manual"})))
    await waiting.until_rest()
    behind = waiting.value("index_behind_since_seconds")
    assert behind is not None
    assert BEGIN.timestamp() <= behind <= waiting.world.now.timestamp()
    assert waiting.value("builds_total", outcome="ready") == 1


async def test_of_a_pipeline_that_is_gone_nothing_is_told(live: Watched) -> None:
    live.metrics.forget(NAMESPACE, NAME)
    left = {
        sample.name
        for family in live.metrics.registry.collect()
        for sample in family.samples
        if sample.labels.get("pipeline") == NAME
    }
    assert left == set()


async def test_saved_is_shown_in_whole_percent_and_stays_while_the_api_is_silent(
    live: Watched,
) -> None:
    live.world.add_pod("docs-api-0", _labels(live.world))
    await live.until_rest()
    assert live.world.status.saved is None
    live.world.calls = Calls(made=0, saved=0)
    assert not await live.round(), "nothing was asked yet"
    live.world.calls = Calls(made=1000, saved=1356)
    assert await live.round()
    assert live.world.status.saved == "57%"
    live.world.calls = Calls(made=1001, saved=1360)
    assert not await live.round(), "status is not written for every question"
    live.world.api_answers = False
    await live.until_rest()
    assert live.world.status.saved == "57%"


def _labels(world: World) -> dict[str, str]:
    labels: dict[str, str] = world.objects["Deployment", f"{NAME}-api"]["metadata"]["labels"]
    return labels


def test_a_round_that_ends_two_things_counts_both() -> None:
    ended = {"attempt": 1, "why": "w", "message": "m", "startedAt": BEGIN, "finishedAt": BEGIN}
    first, second, third = (
        {**ended, "number": number, "outcome": outcome}
        for number, outcome in ((1, "swapped"), (2, "ready"), (2, "swapped"))
    )
    old = PipelineStatus.model_validate({"history": [first]})
    new = PipelineStatus.model_validate({"history": [third, second, first]})
    metrics = make_metrics()
    metrics.observe(NAMESPACE, NAME, old, new)
    labels = {"namespace": NAMESPACE, "pipeline": NAME}
    counted = [
        metrics.registry.get_sample_value("ragwright_builds_total", {**labels, "outcome": outcome})
        for outcome in ("ready", "swapped")
    ]
    assert counted == [1, 1]
    assert [event.reason for event in events(old, new)] == ["AwaitingApproval", "Swapped"]

"""The whole status of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ragwright_core.report import LiveIndex, Report
from ragwright_core.status import (
    Build,
    BuildingVersion,
    Index,
    LastSwap,
    LiveVersion,
    PipelineStatus,
    PreviousVersion,
    Progress,
    Recreated,
)
from ragwright_operator.observed import Observed, Trouble
from ragwright_operator.plan.standing import standing
from ragwright_operator.plan.steps import CreateSecret, Outcome
from ragwright_operator.status.conditions import condition, conditions, degraded
from ragwright_operator.status.recording import Recorded, record
from ragwright_operator.status.swapped import as_recorded, record_swap
from ragwright_operator.status.troubles import troubles

# A swap shows in status when its Job reports, which is after every API pod knows of it. What the
# API tells of a swap that no Job reported counts only after this.
SETTLED = timedelta(seconds=5)


def derive(observed: Observed, outcomes: Sequence[Outcome], now: datetime) -> PipelineStatus:
    recorded = record_swap(observed, record(observed, now), now)
    observed = as_recorded(observed, recorded)
    index = _index(observed, recorded, now)
    wrong = troubles(observed, outcomes, recorded.build, now)
    return PipelineStatus(
        observed_generation=observed.generation,
        url=observed.target.names.url,
        saved=_saved(observed),
        conditions=conditions(observed, index, recorded.build, wrong, now),
        index=index,
        progress=_progress(observed, recorded.build),
        last_swap=_last_swap(observed, recorded.report, now),
        history=recorded.history,
        build=recorded.build,
        swap=recorded.swap,
        judged=recorded.judged,
        kept=recorded.kept,
        recreated=_recreated(observed, outcomes, now),
    )


def invalid(
    status: PipelineStatus, generation: int, wrong: Trouble, now: datetime
) -> PipelineStatus:
    """Of a spec that cannot be read: what runs goes on, and the conditions say why."""
    old = {item.type: item for item in status.conditions}
    kept = [item for item in status.conditions if item.type != "Degraded"]
    found = condition("Degraded", degraded([wrong]), old.get("Degraded"), generation, now)
    return status.model_copy(
        update={"observed_generation": generation, "conditions": [*kept, found]}
    )


def _index(observed: Observed, recorded: Recorded, now: datetime) -> Index:
    summary, report, old = observed.summary, recorded.report, observed.status.index
    previous = old.previous
    if report and report.previous is not None:
        previous = PreviousVersion(number=report.previous)
    elif summary and not _may_swap(observed):
        previous = PreviousVersion(number=summary.previous) if summary.previous else None
    return Index(
        live=_live(observed, recorded, now),
        previous=previous,
        building=_building(observed, recorded.build),
        waiting=recorded.waiting,
    )


def _live(observed: Observed, recorded: Recorded, now: datetime) -> LiveVersion | None:
    report, summary, old = recorded.report, observed.summary, observed.status.index.live
    told = _from_summary(summary.live) if summary and summary.live and summary.live.intact else None
    if report is not None and report.number is not None:
        return told if told and told.number == report.number else _from_report(report, now)
    if summary is None or _may_swap(observed):
        return old
    if told is not None and told != old and now - told.swapped_at < SETTLED:
        return old
    return told


def _may_swap(observed: Observed) -> bool:
    """Whether a Job may be between its COMMIT and its report."""
    build, swap = observed.status.build, observed.status.swap
    if swap is not None and swap.outcome == "running" and swap.number is not None:
        return True
    if build is None or build.outcome != "running":
        return False
    return standing(observed, build.request, build.attempt).phase == "indexing"


def _from_summary(live: LiveIndex) -> LiveVersion:
    return LiveVersion(
        number=live.number,
        documents=live.documents,
        chunks=live.chunks,
        shape=live.shape,
        source_revision=live.source_revision,
        embedding_fingerprint=live.embedding_fingerprint,
        swapped_at=datetime.fromisoformat(live.swapped_at),
    )


def _from_report(report: Report, now: datetime) -> LiveVersion:
    assert report.number is not None
    return LiveVersion(
        number=report.number,
        documents=report.counts.documents,
        chunks=report.counts.chunks,
        shape=report.shape,
        source_revision=report.source_revision,
        embedding_fingerprint=report.embedding_fingerprint,
        swapped_at=now,
    )


def _building(observed: Observed, build: Build | None) -> BuildingVersion | None:
    if build is None or build.outcome != "running":
        return None
    load = observed.target.names.job(build.request, "load", build.attempt)
    numbers = [report.number for report in observed.reports(load) if report.number is not None]
    if observed.summary and observed.summary.building:
        numbers.append(observed.summary.building.number)
    return BuildingVersion(number=numbers[0], started_at=build.started_at) if numbers else None


def _progress(observed: Observed, build: Build | None) -> Progress | None:
    if build is None or build.outcome != "running":
        return None
    phase = standing(observed, build.request, build.attempt).phase
    if phase == "indexing":
        return Progress(phase="index", done=0, total=0, text="index")
    if phase == "loaded":
        return Progress(phase="waiting", done=0, total=0, text="waiting")
    building = observed.summary.building if observed.summary else None
    if building is None or not building.total:
        return Progress(phase="load", done=0, total=0, text="load")
    text = f"load {building.done}/{building.total}"
    return Progress(phase="load", done=building.done, total=building.total, text=text)


def _last_swap(observed: Observed, report: Report | None, now: datetime) -> LastSwap | None:
    if report is None or report.swap is None:
        return observed.status.last_swap
    swap = report.swap
    return LastSwap(milliseconds=swap.milliseconds, attempts=swap.attempts, at=now)


def _saved(observed: Observed) -> str | None:
    """In whole percent: status is not written anew for each question."""
    calls = observed.summary.calls if observed.summary else None
    if calls is None or calls.made + calls.saved == 0:
        return observed.status.saved
    return f"{100 * calls.saved // (calls.made + calls.saved)}%"


def _recreated(observed: Observed, outcomes: Sequence[Outcome], now: datetime) -> Recreated:
    """A Secret that had to be created while its server runs was deleted by someone: the server
    has the old password, and is restarted."""
    names, old = observed.target.names, observed.status.recreated
    servers = {"postgres": ("StatefulSet", names.postgres), "redis": ("Deployment", names.redis)}
    made: dict[str, datetime] = {
        outcome.step.server: now
        for outcome in outcomes
        if isinstance(outcome.step, CreateSecret)
        and outcome.result == "done"
        and servers[outcome.step.server] in observed.children
    }
    return old.model_copy(update=made)

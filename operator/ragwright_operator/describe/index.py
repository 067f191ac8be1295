"""Which versions are live, kept, being built or waiting, and how far a build is. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ragwright_core.memory import Build
from ragwright_core.report import LiveVersionSummary, Report
from ragwright_core.status import BuildingVersion, Index, LiveVersion, PreviousVersion, Progress
from ragwright_operator.memory.memory import Memory
from ragwright_operator.world.observed import Observed

# Status shows a swap when its Job reports, and by then every API pod knows of the swap. If the API
# shows a swap that no Job reported, it counts only after this time.
SETTLED = timedelta(seconds=5)


def index_of(observed: Observed, memory: Memory, now: datetime) -> Index:
    return Index(
        live=_live(observed, memory, now),
        previous=_previous(observed, memory),
        building=_building(observed, memory.running_build),
        waiting=memory.waiting,
    )


def progress_of(observed: Observed, build: Build | None) -> Progress | None:
    """The progress of the running build."""
    if build is None:
        return None
    phase = observed.attempt(build.request, build.attempt).phase
    if phase == "indexing":
        return Progress(phase="index", done=0, total=0, text="index")
    if phase == "loaded":
        return Progress(phase="waiting", done=0, total=0, text="waiting")
    building = observed.summary.building if observed.summary else None
    if building is None or not building.total:
        return Progress(phase="load", done=0, total=0, text="load")
    text = f"load {building.done}/{building.total}"
    return Progress(phase="load", done=building.done, total=building.total, text=text)


def _previous(observed: Observed, memory: Memory) -> PreviousVersion | None:
    report, summary = memory.went_live, observed.summary
    if report and report.previous is not None:
        return PreviousVersion(number=report.previous)
    if summary is None or _may_swap(observed, memory):
        return observed.status.index.previous
    return PreviousVersion(number=summary.previous) if summary.previous else None


def _live(observed: Observed, memory: Memory, now: datetime) -> LiveVersion | None:
    report, summary, old = memory.went_live, observed.summary, observed.status.index.live
    told = _from_summary(summary.live) if summary and summary.live and summary.live.intact else None
    if report is not None and report.number is not None:
        return told if told and told.number == report.number else _from_report(report, now)
    if summary is None or _may_swap(observed, memory):
        return old
    if told is not None and told != old and now - told.swapped_at < SETTLED:
        return old
    return told


def _may_swap(observed: Observed, memory: Memory) -> bool:
    """Whether a Job may be between its COMMIT and its report."""
    build, swap = memory.running_build, memory.running_swap
    if swap is not None and swap.number is not None:
        return True
    return build is not None and observed.attempt(build.request, build.attempt).phase == "indexing"


def _from_summary(live: LiveVersionSummary) -> LiveVersion:
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
    if build is None:
        return None
    number = observed.attempt(build.request, build.attempt).number
    if number is None and observed.summary and observed.summary.building:
        number = observed.summary.building.number
    return BuildingVersion(number=number, started_at=build.started_at) if number else None

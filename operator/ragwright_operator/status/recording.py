"""What the Jobs of a build have told, written into the operator's memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from ragwright_core.report import Report
from ragwright_core.status import MAX_HISTORY, Build, HistoryEntry, KeptVersion
from ragwright_operator.observed import Observed
from ragwright_operator.plan.builds import Standing, standing
from ragwright_operator.plan.request import Ask, next_build


@dataclass(frozen=True)
class Recorded:
    """The build as it stands now; `report` is new in this round, or None."""

    build: Build | None
    history: list[HistoryEntry] = field(default_factory=list)
    kept: list[KeptVersion] = field(default_factory=list)
    report: Report | None = None


def record(observed: Observed, now: datetime) -> Recorded:
    """First what the last build came to, then whether a next one has begun."""
    status = observed.status
    recorded = Recorded(status.build, status.history, status.kept)
    build = status.build
    if build is not None and build.outcome == "running":
        found = standing(observed, build.request, build.attempt)
        if found.concluded:
            recorded = _conclude(observed, recorded, build, found, now)
    ask = next_build(with_build(observed, recorded.build), now)
    if ask is not None and standing(observed, ask.request, ask.attempt).phase != "none":
        return _begin(recorded, ask, now)
    return recorded


def with_build(observed: Observed, build: Build | None) -> Observed:
    return replace(observed, status=observed.status.model_copy(update={"build": build}))


def _conclude(
    observed: Observed, recorded: Recorded, build: Build, found: Standing, now: datetime
) -> Recorded:
    trouble, report = found.trouble, found.report
    ended = build.model_copy(
        update={
            "outcome": "failed" if trouble else "done",
            "reason": trouble.reason if trouble else "",
            "message": trouble.message if trouble else "",
            "finished_at": now,
        }
    )
    if report is None:
        entry = _entry(build, "failed", ended.message, now)
        return replace(recorded, build=ended, history=_with(recorded.history, entry))
    loaded = _load_report(observed, build) or report
    entry = _entry(build, _outcome(report), told(report, loaded), now, report)
    entry = entry.model_copy(update={"seconds": {**loaded.seconds, **report.seconds}})
    kept = recorded.kept
    if report.number is not None and report.number not in [item.number for item in kept]:
        secret = found.order.spec.embedding.secret_ref if found.order else None
        kept = [KeptVersion(number=report.number, secret_ref=secret), *kept]
    return Recorded(
        build=ended,
        history=_with(recorded.history, entry),
        kept=kept[: observed.spec.reindex.keep + 1],
        report=report,
    )


def _load_report(observed: Observed, build: Build) -> Report | None:
    """Told while the former version was still the live one: how the documents differ from it."""
    reports = observed.reports(observed.target.names.job(build.request, "load", build.attempt))
    return next((report for report in reports if report.outcome == "loaded"), None)


def _begin(recorded: Recorded, ask: Ask, now: datetime) -> Recorded:
    build, history = recorded.build, recorded.history
    if build is not None and (build.request, build.attempt) == (ask.request, ask.attempt):
        return recorded
    if build is not None and build.outcome == "running":
        entry = _entry(build, "superseded", f"{ask.why} before it was done", now)
        history = _with(history, entry)
    begun = Build(
        request=ask.request,
        shape=ask.shape,
        trigger=ask.trigger,
        why=ask.why,
        attempt=ask.attempt,
        outcome="running",
        reason=build.reason if build and ask.attempt > 1 else "",
        message=build.message if build and ask.attempt > 1 else "",
        started_at=now,
    )
    return replace(recorded, build=begun, history=history)


def _outcome(report: Report) -> str:
    return "swapped" if report.outcome == "swapped" else "unchanged"


def _entry(
    build: Build, outcome: str, message: str, now: datetime, report: Report | None = None
) -> HistoryEntry:
    return HistoryEntry.model_validate(
        {
            "number": report.number if report else None,
            "attempt": build.attempt,
            "outcome": outcome,
            "why": build.why,
            "message": message,
            "failed_documents": report.failed_documents if report else [],
            "warnings": report.warnings if report else [],
            "started_at": build.started_at,
            "finished_at": now,
        }
    )


def _with(history: list[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
    return [entry, *history][:MAX_HISTORY]


def told(report: Report, loaded: Report) -> str:
    """A build in a line: `git 9ab1c: 12 changed, 2 new, 1 gone; 97 % of vectors reused`."""
    if report.outcome == "unchanged":
        return f"{report.source_revision}: same documents and settings, nothing was built"
    changes, counts = loaded.changes, report.counts
    different = f"{changes.changed} changed, {changes.new} new, {changes.gone} gone"
    vectors = counts.embedded + counts.reused
    reused = f"; {100 * counts.reused // vectors} % of vectors reused" if counts.reused else ""
    failed = f"; {counts.failed} of {counts.documents} not read" if counts.failed else ""
    first = report.previous is None and not any((changes.changed, changes.gone))
    what = f"{counts.documents} documents" if first else different
    return f"{report.source_revision}: {what}{reused}{failed}"

"""What the Jobs of a build have told, written into the operator's memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from ragwright_core.report import Reason, Report
from ragwright_core.status import (
    MAX_HISTORY,
    Build,
    HistoryEntry,
    Judged,
    KeptVersion,
    SwapTask,
    WaitingVersion,
)
from ragwright_operator.observed import Observed
from ragwright_operator.plan.request import Ask, gates_fingerprint, next_build
from ragwright_operator.plan.standing import Standing, standing


@dataclass(frozen=True)
class Recorded:
    """The build as it stands now; `report` is new in this round, or None."""

    build: Build | None
    history: list[HistoryEntry] = field(default_factory=list)
    kept: list[KeptVersion] = field(default_factory=list)
    waiting: WaitingVersion | None = None
    judged: Judged | None = None
    swap: SwapTask | None = None
    report: Report | None = None


def record(observed: Observed, now: datetime) -> Recorded:
    """First what the last build came to, then whether a next one has begun."""
    status = observed.status
    recorded = Recorded(
        build=status.build,
        history=status.history,
        kept=status.kept,
        waiting=_still_waits(observed),
        judged=status.judged,
    )
    build = status.build
    if build is not None and build.outcome == "running":
        found = standing(observed, build.request, build.attempt)
        if found.concluded:
            recorded = _conclude(observed, recorded, build, found, now)
    ask = next_build(with_build(observed, recorded.build), now)
    if ask is not None and standing(observed, ask.request, ask.attempt).phase != "none":
        return _begin(observed, recorded, ask, now)
    return recorded


def with_build(observed: Observed, build: Build | None) -> Observed:
    return replace(observed, status=observed.status.model_copy(update={"build": build}))


def _still_waits(observed: Observed) -> WaitingVersion | None:
    """One that was ready and is not there any more waits no longer: the database was restored, or
    another hand moved it."""
    waiting, summary = observed.status.index.waiting, observed.summary
    if waiting is None or summary is None or waiting.failed_gates:
        return waiting
    there = any(o.number == waiting.number and o.state == "ready" for o in summary.others)
    return waiting if there else None


def _conclude(
    observed: Observed, recorded: Recorded, build: Build, found: Standing, now: datetime
) -> Recorded:
    trouble, report = found.trouble, found.report
    ended = build.model_copy(
        update={
            "outcome": "failed" if trouble else "done",
            "reason": trouble.reason if trouble else "",
            "message": trouble.message if trouble else "",
            "number": report.number if report else None,
            "finished_at": now,
        }
    )
    if report is None or trouble:
        entry = _entry(build, "failed", ended.message, now)
    else:
        entry = _told_entry(observed, build, report, now)
    entry = entry.model_copy(update=_vectors(report))
    live = report is not None and report.outcome in ("swapped", "unchanged")
    return replace(
        recorded,
        build=ended,
        history=with_entry(recorded.history, entry),
        kept=_kept(observed, recorded.kept, found),
        waiting=_waiting(found),
        judged=_judged(report) or recorded.judged,
        report=report if live else None,
    )


def _vectors(report: Report | None) -> dict[str, int]:
    """What a build cost, also one that failed its gates. An unchanged one cost nothing, and the
    next attempt of one that failed otherwise tells of the same version."""
    if report is None or report.outcome == "unchanged":
        return {}
    if report.problem and report.problem.reason != Reason.GATE_FAILED:
        return {}
    return {"embedded": report.counts.embedded, "reused": report.counts.reused}


def _told_entry(observed: Observed, build: Build, report: Report, now: datetime) -> HistoryEntry:
    loaded = _load_report(observed, build) or report
    entry = _entry(build, report.outcome, told(report, loaded), now, report)
    warnings = list(dict.fromkeys([*loaded.warnings, *report.warnings]))
    seconds = {**loaded.seconds, **report.seconds}
    return entry.model_copy(update={"seconds": seconds, "warnings": warnings})


def _kept(observed: Observed, kept: list[KeptVersion], found: Standing) -> list[KeptVersion]:
    """Versions that may answer, now or after a swap, with the Secrets of their endpoints."""
    number = found.report.number if found.report else None
    if number is None:
        return kept
    if number not in [item.number for item in kept]:
        secret = found.order.spec.embedding.secret_ref if found.order else None
        kept = [KeptVersion(number=number, secret_ref=secret), *kept]
    if observed.summary is None:
        return kept[: observed.spec.reindex.keep + 2]
    there = {number, *(other.number for other in observed.summary.others)}
    if observed.summary.live:
        there.add(observed.summary.live.number)
    return [item for item in kept if item.number in there]


def _waiting(found: Standing) -> WaitingVersion | None:
    """A version that is built but not live: for approval, or because a gate failed."""
    report = found.report
    if report is None or report.number is None:
        return None
    failed = [verdict.gate for verdict in report.verdicts if not verdict.ok]
    gate = report.problem is not None and report.problem.reason == Reason.GATE_FAILED
    if report.outcome != "ready" and not (gate and failed):
        return None
    return WaitingVersion(number=report.number, failed_gates=failed, moved=report.moved)


def _judged(report: Report | None) -> Judged | None:
    if report is None or report.number is None or not report.verdicts:
        return None
    return Judged(number=report.number, verdicts=report.verdicts)


def _load_report(observed: Observed, build: Build) -> Report | None:
    """Told while the former version was still the live one: how the documents differ from it."""
    reports = observed.reports(observed.target.names.job(build.request, "load", build.attempt))
    return next((report for report in reports if report.outcome == "loaded"), None)


def _begin(observed: Observed, recorded: Recorded, ask: Ask, now: datetime) -> Recorded:
    build, history = recorded.build, recorded.history
    if build is not None and (build.request, build.attempt) == (ask.request, ask.attempt):
        return recorded
    if build is not None and build.outcome == "running":
        entry = _entry(build, "superseded", f"{ask.why} before it was done", now)
        history = with_entry(history, entry)
    same = build is not None and build.request == ask.request
    begun = Build(
        request=ask.request,
        shape=ask.shape,
        trigger=ask.trigger,
        gates=gates_fingerprint(observed),
        why=ask.why,
        attempt=ask.attempt,
        outcome="running",
        reason=build.reason if build and ask.attempt > 1 else "",
        message=build.message if build and ask.attempt > 1 else "",
        asked_at=build.asked_at if build and same else now,
        started_at=now,
    )
    return replace(recorded, build=begun, history=history, waiting=None)


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


def with_entry(history: list[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
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

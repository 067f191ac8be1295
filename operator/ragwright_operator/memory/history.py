"""The history, with one entry for each attempt: why it was made, and its result. Pure."""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile

from ragwright_core.memory import Build, SwapTask
from ragwright_core.report import Reason, Report
from ragwright_core.status import MAX_HISTORY, BuildOutcome, HistoryEntry, PipelineStatus
from ragwright_operator.world.attempts import Attempt


def with_entry(history: list[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
    """Of looks that found nothing new, one after the other, the last one stays."""
    if entry.outcome == "unchanged" and history and history[0].outcome == "unchanged":
        history = history[1:]
    return [entry, *history][:MAX_HISTORY]


def entries_since(old: PipelineStatus, new: PipelineStatus) -> list[HistoryEntry]:
    """The entries of `new` that `old` does not have, the earliest first."""
    return list(takewhile(lambda entry: entry not in old.history, new.history))[::-1]


def superseded(build: Build, why: str, now: datetime) -> HistoryEntry:
    return _entry(build, "superseded", f"{why} before it was done", now)


def ended(build: Build, attempt: Attempt, now: datetime) -> HistoryEntry:
    report = attempt.report
    if report is None or attempt.trouble or report.outcome not in ("swapped", "unchanged", "ready"):
        message = attempt.trouble.message if attempt.trouble else ""
        return _entry(build, "failed", message, now).model_copy(update=_vectors(report))
    loaded = attempt.loaded or report
    told = {
        "number": report.number,
        "failed_documents": report.failed_documents,
        "warnings": list(dict.fromkeys([*loaded.warnings, *report.warnings])),
        "seconds": {**loaded.seconds, **report.seconds},
        **_vectors(report),
    }
    entry = _entry(build, report.outcome, in_a_line(report, loaded), now)
    return entry.model_copy(update=told)


def swapped(task: SwapTask, report: Report, now: datetime) -> HistoryEntry:
    return HistoryEntry(
        number=report.number,
        attempt=task.attempt,
        outcome="swapped",
        why=task.why,
        message=f"{task.cause}: {report.source_revision}",
        warnings=report.warnings,
        started_at=task.started_at,
        finished_at=now,
    )


def _entry(build: Build, outcome: BuildOutcome, message: str, now: datetime) -> HistoryEntry:
    return HistoryEntry(
        attempt=build.attempt,
        outcome=outcome,
        why=build.why,
        message=message,
        started_at=build.started_at,
        finished_at=now,
    )


def _vectors(report: Report | None) -> dict[str, int]:
    """The vectors that a build embedded and reused, also if it failed its gates. An unchanged build
    has none. After another failure the next attempt goes on with the same version, and reports
    them."""
    if report is None or report.outcome == "unchanged":
        return {}
    if report.problem and report.problem.reason != Reason.GATE_FAILED:
        return {}
    return {"embedded": report.counts.embedded, "reused": report.counts.reused}


def in_a_line(report: Report, loaded: Report) -> str:
    """One line about a build: `git 9ab1c: 12 changed, 2 new, 1 gone; 97 % of vectors reused`."""
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

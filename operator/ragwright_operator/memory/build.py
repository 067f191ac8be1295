"""Updates the memory with the reports of a build's Jobs. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ragwright_core.memory import Build
from ragwright_core.report import Reason, Report
from ragwright_core.status import Judged, LookedAt, WaitingVersion
from ragwright_operator.desired.notes import BuildNote
from ragwright_operator.desired.target import BUILD_STEPS
from ragwright_operator.memory.history import ended, superseded, with_entry
from ragwright_operator.memory.kept import kept_versions
from ragwright_operator.memory.memory import Memory
from ragwright_operator.world.attempts import Attempt
from ragwright_operator.world.jobs import newest
from ragwright_operator.world.observed import Observed


def remember_build(observed: Observed, memory: Memory, now: datetime) -> Memory:
    """First record the last build's result, then whether a next build has begun."""
    if build := memory.running_build:
        attempt = observed.attempt(build.request, build.attempt)
        if attempt.concluded:
            memory = _conclude(observed, memory, build, attempt, now)
    job = newest(observed.jobs.values(), BUILD_STEPS)
    return _begin(memory, job.build, now) if job and job.build else memory


def _conclude(
    observed: Observed, memory: Memory, build: Build, attempt: Attempt, now: datetime
) -> Memory:
    trouble, report = attempt.trouble, attempt.report
    last = build.model_copy(
        update={
            "outcome": "failed" if trouble else "done",
            "failure": trouble.reason if trouble else "",
            "message": trouble.message if trouble else "",
            "number": report.number if report else None,
            "finished_at": now,
        }
    )
    live = report is not None and report.outcome in ("swapped", "unchanged")
    return replace(
        memory,
        build=last,
        history=with_entry(memory.history, ended(build, attempt, now)),
        kept=kept_versions(observed, memory.kept, attempt),
        waiting=_waiting(report),
        judged=_judged(report) or memory.judged,
        sources=_looked_at(attempt.loaded or report, now) or memory.sources,
        went_live=report if live else None,
    )


def _looked_at(report: Report | None, now: datetime) -> list[LookedAt]:
    """The sources as the build found them, also if it failed later."""
    revisions = report.revisions if report else {}
    return [LookedAt(name=name, revision=found, looked_at=now) for name, found in revisions.items()]


def _waiting(report: Report | None) -> WaitingVersion | None:
    """The version that is built but not live, because it waits for approval or failed a gate."""
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


def _begin(memory: Memory, note: BuildNote, now: datetime) -> Memory:
    """Begin a build from its Job's note: it may have begun, and even ended, while no operator
    ran."""
    last, history = memory.build, memory.history
    if last is not None and (last.request, last.attempt) == note.key:
        return memory
    if running := memory.running_build:
        history = with_entry(history, superseded(running, note.why, now))
    same = last is not None and last.request == note.request
    begun = Build(
        request=note.request,
        shape=note.shape,
        parts=note.parts,
        trigger=note.trigger,
        documents=note.documents,
        pushes=note.pushes,
        gates=note.gates,
        why=note.why,
        poll=note.poll,
        attempt=note.attempt,
        outcome="running",
        failure=last.failure if last and note.attempt > 1 else "",
        message=last.message if last and note.attempt > 1 else "",
        asked_at=last.asked_at if last and same else note.at,
        started_at=note.at,
    )
    return replace(memory, build=begun, history=history, waiting=None)

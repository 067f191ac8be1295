"""What the Jobs of swaps apart from a build have told. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ragwright_core.handover import SwapOrder
from ragwright_core.report import Report
from ragwright_core.status import Build, HistoryEntry, SwapTask
from ragwright_operator.observed import Observed
from ragwright_operator.plan.standing import Standing, swap_standing
from ragwright_operator.plan.swapping import newest
from ragwright_operator.status.recording import Recorded, with_entry


def record_swap(observed: Observed, recorded: Recorded, now: datetime) -> Recorded:
    """First what the last swap came to, then whether a next one has begun."""
    task = observed.status.swap
    recorded = replace(recorded, swap=task)
    if task is not None and task.outcome == "running":
        found = swap_standing(observed, task.request, task.attempt)
        if found.concluded:
            recorded = _conclude(recorded, task, found, now)
    job = newest(observed)
    if job is not None and job.swap is not None:
        return _begin(recorded, job.swap, now)
    return recorded


def as_recorded(observed: Observed, recorded: Recorded) -> Observed:
    """The world with what was recorded in this round, which the plan's questions look at."""
    index = observed.status.index.model_copy(update={"waiting": recorded.waiting})
    seen = {"swap": recorded.swap, "build": recorded.build, "index": index}
    return replace(observed, status=observed.status.model_copy(update=seen))


def _conclude(recorded: Recorded, task: SwapTask, found: Standing, now: datetime) -> Recorded:
    trouble, report = found.trouble, found.report
    ended = task.model_copy(
        update={
            "outcome": "failed" if trouble else "done",
            "problem": trouble.reason if trouble else "",
            "message": trouble.message if trouble else "",
            "finished_at": now,
        }
    )
    recorded = replace(recorded, swap=ended)
    if trouble or report is None or report.outcome != "swapped":
        return recorded
    waiting = recorded.waiting
    return replace(
        recorded,
        waiting=waiting if waiting and waiting.number != task.number else None,
        build=_approved(recorded.build, report),
        history=with_entry(recorded.history, _entry(task, report, now)),
        report=report,
    )


def _approved(build: Build | None, report: Report) -> Build | None:
    """A version that a person let through over its gates has failed no longer."""
    if build is None or build.outcome != "failed" or build.number != report.number:
        return build
    return build.model_copy(update={"outcome": "done", "reason": "", "message": ""})


def _entry(task: SwapTask, report: Report, now: datetime) -> HistoryEntry:
    return HistoryEntry(
        number=report.number,
        attempt=task.attempt,
        outcome="swapped",
        why=task.why,
        message=f"{task.reason}: {report.source_revision}",
        warnings=report.warnings,
        started_at=task.started_at,
        finished_at=now,
    )


def _begin(recorded: Recorded, order: SwapOrder, now: datetime) -> Recorded:
    """From what stands on the Job: it may have begun, and ended, while no operator looked."""
    task = recorded.swap
    same = task is not None and task.request == order.request
    if task and same and task.attempt == order.attempt:
        return recorded
    begun = SwapTask.model_validate(
        {
            "request": order.request,
            "reason": order.reason,
            "number": order.number,
            "why": order.why,
            "attempt": order.attempt,
            "outcome": "running",
            "problem": task.problem if task and same else "",
            "message": task.message if task and same else "",
            "started_at": now,
        }
    )
    return replace(recorded, swap=begun)

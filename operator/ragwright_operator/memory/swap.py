"""Updates the memory with the reports of swap Jobs, which are apart from builds. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ragwright_core.memory import Build, SwapTask
from ragwright_core.report import Report
from ragwright_operator.desired.notes import SwapNote
from ragwright_operator.memory.history import swapped, with_entry
from ragwright_operator.memory.memory import Memory
from ragwright_operator.world.attempts import Attempt
from ragwright_operator.world.jobs import newest
from ragwright_operator.world.observed import Observed


def remember_swap(observed: Observed, memory: Memory, now: datetime) -> Memory:
    """First record the last swap's result, then whether a next swap has begun."""
    if task := memory.running_swap:
        attempt = observed.attempt(task.request, task.attempt)
        if attempt.concluded:
            memory = _conclude(memory, task, attempt, now)
    job = newest(observed.jobs.values(), ("swap",))
    return _begin(memory, job.swap) if job and job.swap else memory


def _conclude(memory: Memory, task: SwapTask, attempt: Attempt, now: datetime) -> Memory:
    trouble, report = attempt.trouble, attempt.report
    last = task.model_copy(
        update={
            "outcome": "failed" if trouble else "done",
            "failure": trouble.reason if trouble else "",
            "message": trouble.message if trouble else "",
            "finished_at": now,
        }
    )
    memory = replace(memory, swap=last)
    if trouble or report is None or report.outcome != "swapped":
        return memory
    waiting = memory.waiting
    return replace(
        memory,
        waiting=waiting if waiting and waiting.number != task.number else None,
        build=_approved(memory.build, report),
        history=with_entry(memory.history, swapped(task, report, now)),
        went_live=report,
    )


def _approved(build: Build | None, report: Report) -> Build | None:
    """A build whose failed gates a person has overridden counts as done."""
    if build is None or build.outcome != "failed" or build.number != report.number:
        return build
    return build.model_copy(update={"outcome": "done", "failure": "", "message": ""})


def _begin(memory: Memory, note: SwapNote) -> Memory:
    """Begin a swap from its Job's note: it may have begun, and even ended, while no operator
    ran."""
    last = memory.swap
    if last is not None and (last.request, last.attempt) == note.key:
        return memory
    same = last is not None and last.request == note.request
    begun = SwapTask(
        request=note.request,
        cause=note.cause,
        number=note.number,
        term=note.term,
        why=note.why,
        attempt=note.attempt,
        outcome="running",
        failure=last.failure if last and same else "",
        message=last.message if last and same else "",
        started_at=note.at,
    )
    return replace(memory, swap=begun)

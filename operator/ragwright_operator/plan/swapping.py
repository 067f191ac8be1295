"""The Jobs of swaps apart from a build's own: which to create, and which have served. Pure."""

from __future__ import annotations

from datetime import datetime

from ragwright_core.handover import SwapOrder
from ragwright_operator.desired.job import swap_job
from ragwright_operator.observed import JobState, Observed
from ragwright_operator.plan.standing import swap_standing
from ragwright_operator.plan.steps import CreateJob, DeleteJob, Step
from ragwright_operator.plan.swaps import SwapAsk, is_wished, next_swap


def swap_steps(observed: Observed, now: datetime) -> list[Step]:
    ask = next_swap(observed, now)
    steps: list[Step] = [DeleteJob(name) for name in _served(observed, ask)]
    if ask is None or (ask.not_before is not None and now < ask.not_before):
        return steps
    if swap_standing(observed, ask.request, ask.attempt).phase == "none":
        steps.append(CreateJob(swap_job(observed.target, _order(observed, ask))))
    return steps


def _order(observed: Observed, ask: SwapAsk) -> SwapOrder:
    return SwapOrder(
        pipeline=observed.target.identity,
        request=ask.request,
        number=ask.number,
        override=list(ask.override),
        attempt=ask.attempt,
        reason=ask.reason,
        why=ask.why,
        spec=observed.spec,
        index_memory_bytes=observed.target.index_memory_bytes,
    )


def newest(observed: Observed) -> JobState | None:
    """The swap Job that was made last, which status may not know of yet."""
    jobs = [job for job in observed.jobs.values() if job.component == "swap" and not job.deleting]
    return max(jobs, key=lambda job: job.created, default=None)


def _served(observed: Observed, ask: SwapAsk | None) -> list[str]:
    wanted = observed.target.names.job(ask.request, "swap", ask.attempt) if ask else ""
    return [
        job.name
        for job in observed.jobs.values()
        if job.component == "swap"
        and not job.deleting
        and job.name != wanted
        and not _is_of_use(observed, job, begun=wanted in observed.jobs)
    ]


def _is_of_use(observed: Observed, job: JobState, *, begun: bool) -> bool:
    """Until its report stands in status; a failed one's logs until the next attempt has begun, or
    nobody asks for it any more."""
    task = observed.status.swap
    if task is None or job.name != observed.target.names.job(task.request, "swap", task.attempt):
        return job == newest(observed)
    if task.outcome == "running":
        return swap_standing(observed, task.request, task.attempt).concluded
    return task.outcome == "failed" and not begun and is_wished(observed, task)

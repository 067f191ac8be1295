"""The Jobs of swaps apart from a build's own: which to create, and which to delete. Pure."""

from __future__ import annotations

from ragwright_core.orders import SwapOrder, SwapSpec
from ragwright_operator.desired.job import swap_job
from ragwright_operator.memory.memory import Memory
from ragwright_operator.plan.served import holds_logs, is_persisted
from ragwright_operator.plan.steps import CreateJob, DeleteJob, Step
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.wanted.swap import SwapWanted
from ragwright_operator.world.jobs import JobState
from ragwright_operator.world.observed import Observed


def swap_steps(observed: Observed, memory: Memory, wanted: Wanted) -> list[Step]:
    steps: list[Step] = [
        DeleteJob(job.name)
        for job in observed.jobs.values()
        if job.component == "swap" and not job.deleting
        if _has_served(observed, memory, wanted, job)
    ]
    if wanted.swap and wanted.swap_due:
        steps.append(_job(observed, wanted.swap))
    return steps


def _job(observed: Observed, wanted: SwapWanted) -> CreateJob:
    order = SwapOrder(
        pipeline=observed.target.identity,
        number=wanted.note.number,
        override=list(wanted.override),
        term=wanted.note.term,
        spec=SwapSpec.of(observed.spec),
        index_memory_bytes=observed.target.index_memory_bytes,
        allowed_hosts=list(observed.target.allowed_hosts),
        outside=observed.target.outside,
    )
    return CreateJob(*swap_job(observed.target, order, wanted.note))


def _has_served(observed: Observed, memory: Memory, wanted: Wanted, job: JobState) -> bool:
    """Whether the Job's report is in the persisted status, or something newer is wanted. The logs
    of a failed swap are of no use when the swap is no longer wanted."""
    if job.swap is None:
        return True
    attempt, next_one = job.swap.key, wanted.swap.note.key if wanted.swap else None
    if attempt == next_one or not is_persisted(
        observed, attempt, observed.status.operator.swap, memory.swap
    ):
        return False
    logs = wanted.last_swap_stands and holds_logs(observed, attempt, next_one, memory.swap)
    return not logs

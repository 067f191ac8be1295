"""The load and index Jobs: which of them to create, and which can be deleted. Pure."""

from __future__ import annotations

from ragwright_core.orders import BuildOrder, BuildSpec
from ragwright_operator.desired.job import build_job
from ragwright_operator.desired.notes import BuildNote
from ragwright_operator.desired.target import BUILD_STEPS, BuildStep
from ragwright_operator.memory.memory import Memory
from ragwright_operator.plan.served import holds_logs, is_persisted
from ragwright_operator.plan.steps import CreateJob, DeleteJob, Step
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.jobs import JobState
from ragwright_operator.world.observed import Observed


def build_steps(observed: Observed, memory: Memory, wanted: Wanted) -> list[Step]:
    steps: list[Step] = [
        DeleteJob(job.name)
        for job in observed.jobs.values()
        if job.component in BUILD_STEPS and not job.deleting
        if _has_served(observed, memory, wanted, job)
    ]
    if wanted.build and wanted.step and not wanted.hold:
        steps.append(_job(observed, wanted.build.note, wanted.step))
    return steps


def _job(observed: Observed, note: BuildNote, step: BuildStep) -> CreateJob:
    order = BuildOrder(
        pipeline=observed.target.identity,
        request=note.request,
        why=note.why,
        poll=note.poll,
        spec=BuildSpec.of(observed.spec),
        index_memory_bytes=observed.target.index_memory_bytes,
        allowed_hosts=list(observed.target.allowed_hosts),
        outside=observed.target.outside,
    )
    return CreateJob(*build_job(observed.target, order, note, step))


def _has_served(observed: Observed, memory: Memory, wanted: Wanted, job: JobState) -> bool:
    """Whether the Job's report is in the persisted status, or something newer is wanted."""
    if job.build is None:
        return True
    attempt, next_one = job.build.key, wanted.build.note.key if wanted.build else None
    return (
        attempt != next_one
        and is_persisted(observed, attempt, observed.status.operator.build, memory.build)
        and not holds_logs(observed, attempt, next_one, memory.build)
    )

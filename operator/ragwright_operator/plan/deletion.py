"""What is left to do when a pipeline is deleted. Its ownerReferences delete its children."""

from __future__ import annotations

from ragwright_operator.desired.job import cleanup_job
from ragwright_operator.desired.target import JOB_COMPONENTS
from ragwright_operator.plan.children import volume
from ragwright_operator.plan.steps import CreateJob, DeleteJob, PruneObject, Step
from ragwright_operator.world.jobs import JobState
from ragwright_operator.world.observed import Observed


def deletion_steps(observed: Observed, *, hurry: bool = False) -> list[Step]:
    """The remaining steps; empty when there is nothing more to do. With `hurry`, do not wait for
    the end of pods that write, because their node may be gone."""
    if observed.spec.deletion_policy == "Retain":
        return []
    steps: list[Step] = _stop_writers(observed)
    claim, names = volume(observed), observed.target.names
    if claim is not None and not _going(claim):
        # If the policy was changed a moment ago, the claim may have no ownerReference yet.
        steps.append(PruneObject("PersistentVolumeClaim", names.postgres))
    if needs_cleanup(observed) and (hurry or not _is_written(observed)):
        steps += _cleanup(observed)
    return steps


def needs_cleanup(observed: Observed) -> bool:
    """Whether to delete an index or a cache on a server that outlives the pipeline."""
    target = observed.target
    outlives = target.managed_postgres is None or target.managed_redis is None
    return outlives and target.spec.deletion_policy == "Delete"


def cleaned(observed: Observed) -> bool:
    job = observed.jobs.get(observed.target.names.cleanup_job)
    return job is not None and _is_own(observed, job.uid_label) and job.outcome is not None


def _cleanup(observed: Observed) -> list[Step]:
    job = observed.jobs.get(observed.target.names.cleanup_job)
    if job is None or (_is_own(observed, job.uid_label) and _lacks_order(observed, job)):
        return [CreateJob(*cleanup_job(observed.target))]
    # A Job of another uid is left over from an earlier pipeline of this name.
    return [] if job.deleting or _is_own(observed, job.uid_label) else [DeleteJob(job.name)]


def _lacks_order(observed: Observed, job: JobState) -> bool:
    """Whether the Job's order is missing. It is created after the Job, which owns it, and the
    operator may be killed in between."""
    there = ("ConfigMap", job.order_map) in observed.children
    return job.outcome is None and not job.deleting and not there


def _is_own(observed: Observed, uid: str) -> bool:
    return uid == observed.target.identity.uid


def _stop_writers(observed: Observed) -> list[Step]:
    """Otherwise builds would write the schema again after the clean-up, and the API the cache."""
    steps: list[Step] = [
        DeleteJob(job.name)
        for job in observed.jobs.values()
        if job.component in JOB_COMPONENTS and not job.deleting
    ]
    api = observed.children.get(("Deployment", observed.target.names.api))
    if needs_cleanup(observed) and api is not None and not _going(api):
        steps.append(PruneObject("Deployment", observed.target.names.api))
    return steps


def _is_written(observed: Observed) -> bool:
    """Whether a Job that writes exists, or a pod of such a Job that was deleted: a first load would
    make the schema again after the clean-up dropped it (seen in row 20)."""
    jobs = any(job.component in JOB_COMPONENTS for job in observed.jobs.values())
    pods = any(pod.component in JOB_COMPONENTS and not pod.ended for pod in observed.pods)
    return jobs or pods


def _going(existing: dict[str, object]) -> bool:
    metadata = existing["metadata"]
    return isinstance(metadata, dict) and "deletionTimestamp" in metadata

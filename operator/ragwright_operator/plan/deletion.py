"""What is left to do when a pipeline goes. Its children go by their ownerReferences."""

from __future__ import annotations

from ragwright_operator.desired.job import JOB_COMPONENTS, cleanup_job
from ragwright_operator.observed import Observed, is_ours
from ragwright_operator.plan.children import volume
from ragwright_operator.plan.steps import CreateJob, DeleteJob, PruneObject, Step


def deletion_steps(observed: Observed, *, hurry: bool = False) -> list[Step]:
    """Empty when there is nothing to do, or nothing more. `hurry`: no longer wait for the ends of
    pods that write, whose node may be gone."""
    if observed.spec.deletion_policy == "Retain":
        return []
    steps: list[Step] = _stop_writers(observed)
    claim, names = volume(observed), observed.target.names
    if claim is not None and is_ours(claim, observed.target) and not _going(claim):
        # Its ownerReference may not be written yet, when the policy was changed a moment ago.
        steps.append(PruneObject("PersistentVolumeClaim", names.postgres))
    if needs_cleanup(observed) and (hurry or not _is_written(observed)):
        steps += _cleanup(observed)
    return steps


def needs_cleanup(observed: Observed) -> bool:
    """Whether the index or its cache stands on a server that outlives the pipeline."""
    target = observed.target
    outlives = target.managed_postgres is None or target.managed_redis is None
    return outlives and target.spec.deletion_policy == "Delete"


def cleaned(observed: Observed) -> bool:
    job = observed.jobs.get(observed.target.names.cleanup_job)
    return job is not None and _is_own(observed, job.uid_label) and job.outcome is not None


def _cleanup(observed: Observed) -> list[Step]:
    job = observed.jobs.get(observed.target.names.cleanup_job)
    if job is None:
        return [CreateJob(cleanup_job(observed.target))]
    # Left over from an earlier pipeline of this name.
    return [] if job.deleting or _is_own(observed, job.uid_label) else [DeleteJob(job.name)]


def _is_own(observed: Observed, uid: str) -> bool:
    return uid == observed.target.identity.uid


def _stop_writers(observed: Observed) -> list[Step]:
    """Builds would write the schema again, and the API the cache, behind the clean-up's back."""
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
    """Whether a Job is there, or a pod of one that was deleted: the first load would make the
    schema again after it was dropped (seen in row 20)."""
    jobs = any(job.component in JOB_COMPONENTS for job in observed.jobs.values())
    pods = any(pod.component in JOB_COMPONENTS and not pod.ended for pod in observed.pods)
    return jobs or pods


def _going(existing: dict[str, object]) -> bool:
    metadata = existing["metadata"]
    return isinstance(metadata, dict) and "deletionTimestamp" in metadata

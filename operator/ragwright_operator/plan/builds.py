"""Load, then index: which Jobs to create, and which have served."""

from __future__ import annotations

from datetime import datetime

from ragwright_core.handover import BuildOrder
from ragwright_core.status import Build
from ragwright_operator.desired.job import BuildStep, build_job
from ragwright_operator.observed import Observed
from ragwright_operator.plan.request import Ask, next_build
from ragwright_operator.plan.standing import standing
from ragwright_operator.plan.steps import CreateJob, DeleteJob, Step
from ragwright_operator.plan.swaps import BUILD_STEPS, next_swap


def build_steps(observed: Observed, now: datetime) -> list[Step]:
    ask = next_build(observed, now)
    steps: list[Step] = [DeleteJob(name) for name in _served(observed, ask)]
    if ask is None:
        return steps
    phase = standing(observed, ask.request, ask.attempt).phase
    if phase == "none" and not _held(observed, ask, now):
        steps.append(CreateJob(_job(observed, ask, "load")))
    elif phase == "loaded" and not waits_for(observed, "index", now):
        steps.append(CreateJob(_job(observed, ask, "index")))
    return steps


def _held(observed: Observed, ask: Ask, now: datetime) -> bool:
    early = ask.not_before is not None and now < ask.not_before
    return observed.spec.suspend or early or bool(waits_for(observed, "load", now))


def _job(observed: Observed, ask: Ask, step: BuildStep) -> dict[str, object]:
    order = BuildOrder(
        pipeline=observed.target.identity,
        request=ask.request,
        reason=ask.why,
        spec=observed.spec,
        index_memory_bytes=observed.target.index_memory_bytes,
    )
    return build_job(observed.target, order, step, ask.attempt)


def waits_for(observed: Observed, step: BuildStep, now: datetime) -> str:
    """What a step must wait for, in words; empty when it can start."""
    if step == "index":
        return _unmounted_secret(observed)
    names = observed.target.names
    if swap := next_swap(observed, now):
        # A version begun now would be planned on a term that the swap is about to end.
        return f"a swap comes first: {swap.why}"
    if observed.target.managed_postgres:
        server = observed.children.get(("StatefulSet", names.postgres), {})
        if not (server.get("status") or {}).get("readyReplicas"):
            return f"managed Postgres is not ready: kubectl get pod {names.postgres}-0"
    cleanup = observed.jobs.get(names.cleanup_job)
    if cleanup is not None and cleanup.outcome is None:
        return f"Job {cleanup.name} still cleans up after an earlier pipeline of this name"
    return ""


def _unmounted_secret(observed: Observed) -> str:
    """After the swap questions are embedded with the new version's model: every pod that may be
    asked must have the key of its endpoint before."""
    key = observed.spec.embedding.secret_ref
    for pod in observed.pods:
        if key and pod.component == "api" and pod.ready and (key.name, key.key) not in pod.secrets:
            return f"API pod {pod.name} is being replaced by one that mounts Secret {key.name}"
    return ""


def _served(observed: Observed, ask: Ask | None) -> list[str]:
    """Jobs of which nothing more is needed: their report stands in status, or something newer is
    wanted. A failed attempt's stay for their logs until the next one has begun."""
    names, last = observed.target.names, observed.status.build
    kept = set()
    if ask is not None:
        kept |= {names.job(ask.request, step, ask.attempt) for step in BUILD_STEPS}
    if last is not None and _still_of_use(observed, last, begun=bool(kept & set(observed.jobs))):
        kept |= {names.job(last.request, step, last.attempt) for step in BUILD_STEPS}
    return [
        job.name
        for job in observed.jobs.values()
        if job.component in BUILD_STEPS and job.name not in kept and not job.deleting
    ]


def _still_of_use(observed: Observed, last: Build, *, begun: bool) -> bool:
    if last.outcome == "running":
        return standing(observed, last.request, last.attempt).concluded
    return last.outcome == "failed" and not begun

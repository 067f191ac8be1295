"""Everything that is wrong with a pipeline, the most telling first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ragwright_core.report import Reason
from ragwright_core.status import Build
from ragwright_operator.desired.children import children
from ragwright_operator.observed import Observed, Trouble, is_ours, key_of
from ragwright_operator.plan.children import storage_troubles
from ragwright_operator.plan.pauses import pause
from ragwright_operator.plan.steps import ApplyObject, Outcome, describe
from ragwright_operator.status.index_troubles import index_troubles

# A pod may be unschedulable for a moment while its volume is made.
POD_PATIENCE = timedelta(seconds=10)


def troubles(
    observed: Observed, outcomes: Sequence[Outcome], build: Build | None, now: datetime
) -> list[Trouble]:
    found = [
        *_taken(observed, outcomes),
        *_rejected(outcomes),
        *index_troubles(observed),
        *_of_build(build, [*_running_reports(observed), *pod_troubles(observed, now)]),
        *_controllers(observed),
        *storage_troubles(observed),
    ]
    return list(dict.fromkeys(found))


def _taken(observed: Observed, outcomes: Sequence[Outcome]) -> list[Trouble]:
    """Objects that carry our names and are someone else's: never overwritten."""
    unseen = [
        key_of(outcome.step.manifest)
        for outcome in outcomes
        if outcome.result == "taken" and isinstance(outcome.step, ApplyObject)
    ]
    seen = [
        key
        for key in map(key_of, children(observed.target))
        if key in observed.children and not is_ours(observed.children[key], observed.target)
    ]
    return [
        Trouble(
            "NameTaken",
            f"{kind} {name} exists and does not belong to this pipeline. "
            "Rename or delete it, or give the pipeline another name.",
        )
        for kind, name in [*unseen, *seen]
    ]


def _rejected(outcomes: Sequence[Outcome]) -> list[Trouble]:
    return [
        Trouble(
            "Rejected",
            f"the API server refused {describe(outcome.step)}: {outcome.message} "
            "It is tried again; change the spec or the cluster's rules.",
        )
        for outcome in outcomes
        if outcome.result == "rejected"
    ]


def build_troubles(build: Build | None) -> list[Trouble]:
    """The last failure, until an attempt ends well: one that runs has mended nothing yet."""
    if build is None or not build.reason:
        return []
    if build.outcome == "running":
        return [Trouble(build.reason, f"{build.message} (attempt {build.attempt} runs)")]
    assert build.finished_at is not None
    if build.reason == Reason.GATE_FAILED:
        return [Trouble(build.reason, build.message)]
    again = (build.finished_at + pause(build.request, build.attempt)).strftime("%H:%M:%S UTC")
    return [
        Trouble(build.reason, f"{build.message} (attempt {build.attempt}; the next at {again})")
    ]


def _of_build(build: Build | None, now: list[Trouble]) -> list[Trouble]:
    """What holds the attempt that runs comes before why the last one failed."""
    last = build_troubles(build)
    return [*now, *last] if build and build.outcome == "running" else [*last, *now]


def _running_reports(observed: Observed) -> list[Trouble]:
    """A Job tries a failed pod again by itself; what stopped the pod is told meanwhile."""
    running = {job.name for job in observed.jobs.values() if job.outcome is None}
    return [
        Trouble(str(pod.report.problem.reason), pod.report.problem.message)
        for pod in observed.pods
        if pod.job in running and pod.report and pod.report.problem
    ]


def pod_troubles(observed: Observed, now: datetime, component: str = "") -> list[Trouble]:
    """Troubles of pods that are not done; those of one component, or all."""
    return [
        pod.trouble
        for pod in sorted(observed.pods, key=lambda pod: pod.name)
        if pod.trouble
        and not pod.ended
        and now - pod.created > POD_PATIENCE
        and component in ("", pod.component)
    ]


def _controllers(observed: Observed) -> list[Trouble]:
    """Pods that could not even be made: a quota, or an admission rule."""
    return [
        Trouble("PodsRefused", f"{kind} {name}: {item.get('message', '')}")
        for (kind, name), existing in observed.children.items()
        for item in (existing.get("status") or {}).get("conditions") or []
        if item["type"] == "ReplicaFailure" and item["status"] == "True"
    ]

"""Executes the steps of a plan, one after the other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import structlog

from ragwright_operator.desired.job import UID_LABEL
from ragwright_operator.desired.order import owned_by
from ragwright_operator.desired.postgres import postgres_secret
from ragwright_operator.desired.redis import redis_secret
from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest, Target
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.effects.replicas import let_go_of_replicas
from ragwright_operator.plan.steps import (
    ApplyObject,
    CreateJob,
    CreateSecret,
    DeleteJob,
    Outcome,
    PruneObject,
    RemoveKeys,
    Step,
    in_words,
)
from ragwright_operator.world.observed import is_ours

USED_BY_PODS = ("ConfigMap", "PersistentVolumeClaim", "ServiceAccount")

AfterStep = Callable[[Step], None]


def nothing(_: Step) -> None:
    """The default for `after_step`, which does nothing."""


async def execute(
    kube: Kube, target: Target, steps: Sequence[Step], after_step: AfterStep = nothing
) -> list[Outcome]:
    """If the API server refuses a step, the others are still executed; but no pod is made that
    would use an object of a stranger. Raises KubeError when the server is overloaded or away; the
    next round then plans anew."""
    outcomes: list[Outcome] = []
    for step in steps:
        if _makes_pods(step) and any(map(_is_strangers, outcomes)):
            outcome = Outcome(step, "held")
        else:
            outcome = await _do(kube, target, step)
        _log(target, outcome)
        after_step(step)
        outcomes.append(outcome)
    return outcomes


async def _do(kube: Kube, target: Target, step: Step) -> Outcome:
    try:
        match step:
            case ApplyObject():
                return await _apply(kube, target, step)
            case CreateSecret():
                await kube.create(_secret(step))
            case CreateJob():
                return await _create_job(kube, step)
            case DeleteJob():
                await kube.delete("Job", target.names.namespace, step.name)
            case PruneObject():
                await kube.delete(step.kind, target.names.namespace, step.name)
            case RemoveKeys():
                await kube.remove_keys(target.names.namespace, step.name, step.keys)
    except KubeError as error:
        return _refused(step, error)
    return Outcome(step, "done")


def _makes_pods(step: Step) -> bool:
    if isinstance(step, ApplyObject):
        return step.manifest["kind"] in ("Deployment", "StatefulSet")
    return isinstance(step, CreateJob)


def _is_strangers(outcome: Outcome) -> bool:
    """Whether the step found an object of a stranger that our pods would mount, call or run as."""
    if outcome.result != "taken" or not isinstance(outcome.step, ApplyObject):
        return False
    manifest = outcome.step.manifest
    if manifest["kind"] == "Service":  # the API's own are called by others alone
        return bool(manifest["metadata"]["labels"][COMPONENT_LABEL] != "api")
    return manifest["kind"] in USED_BY_PODS


def _refused(step: Step, error: KubeError) -> Outcome:
    deleting = isinstance(step, DeleteJob | PruneObject | RemoveKeys)
    if error.exists or (deleting and error.not_found):
        return Outcome(step, "exists")
    if error.passing:
        raise error
    return Outcome(step, "rejected", error.message)


async def _create_job(kube: Kube, step: CreateJob) -> Outcome:
    """An order is created before its Job. If no pipeline owns the order, it is owned by the Job,
    needs the Job's uid and is created after it."""
    if "ownerReferences" in step.order["metadata"]:
        if not await _create_order(kube, step.order):
            return Outcome(step, "taken")
        await kube.create(step.manifest)
        return Outcome(step, "done")
    job, new = await _created(kube, step.manifest)
    if _uid_label(job) != _uid_label(step.manifest):
        return Outcome(step, "taken")
    if not await _create_order(kube, owned_by(step.order, job)):
        return Outcome(step, "taken")
    return Outcome(step, "done" if new else "exists")


def _uid_label(job: Manifest) -> str | None:
    """The uid of the pipeline that a clean-up is for."""
    labels: dict[str, str] = job["metadata"].get("labels") or {}
    return labels.get(UID_LABEL)


async def _create_order(kube: Kube, order: Manifest) -> bool:
    """Create the order. Returns whether the existing object has the same content, because a pod
    does whatever the order says."""
    there, _ = await _created(kube, order)
    return there.get("immutable") is True and there.get("data") == order["data"]


async def _created(kube: Kube, manifest: Manifest) -> tuple[Manifest, bool]:
    """Create the object if it does not exist. Returns the existing object, and whether it is
    new."""
    try:
        return await kube.create(manifest), True
    except KubeError as error:
        if not error.exists:
            raise
    metadata = manifest["metadata"]
    return await kube.get(manifest["kind"], metadata["namespace"], metadata["name"]), False


async def _apply(kube: Kube, target: Target, step: ApplyObject) -> Outcome:
    """Only objects of ours are applied with force. If the watch has not shown the object, one that
    is not ours may exist: look first, and without force let a conflict with its owner refuse us."""
    ours = step.known or await _ours(kube, target, step.manifest)
    if ours is False:
        return Outcome(step, "taken")
    if ours:
        await let_go_of_replicas(kube, step.manifest)
    try:
        await kube.apply(step.manifest, force=bool(ours))
    except KubeError as error:
        if error.conflict and not ours:
            return Outcome(step, "taken")
        raise
    return Outcome(step, "done")


async def _ours(kube: Kube, target: Target, manifest: Manifest) -> bool | None:
    """Whether the object of this name is ours, or None if it does not exist."""
    metadata = manifest["metadata"]
    try:
        existing = await kube.get(manifest["kind"], metadata["namespace"], metadata["name"])
    except KubeError as error:
        if error.not_found:
            return None
        raise
    return is_ours(existing, target)


def _secret(step: CreateSecret) -> Manifest:
    password = secrets.token_urlsafe(32)
    if step.server == "redis":
        return redis_secret(step.target, password)
    return postgres_secret(step.target, password)


def _log(target: Target, outcome: Outcome) -> None:
    if isinstance(outcome.step, CreateSecret) and outcome.result == "exists":
        return  # every round tries to create the Secret
    log = structlog.get_logger().bind(
        namespace=target.names.namespace, pipeline=target.names.name, step=in_words(outcome.step)
    )
    if outcome.result in ("taken", "rejected"):
        log.warning("step refused", result=outcome.result, cause=outcome.message)
    else:
        log.info("step", result=outcome.result)

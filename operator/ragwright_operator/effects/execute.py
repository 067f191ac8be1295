"""Does the steps of a plan, one after the other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import structlog

from ragwright_operator.desired.secret import postgres_secret, redis_secret
from ragwright_operator.desired.target import Manifest, Target
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.observed import is_ours
from ragwright_operator.plan.steps import (
    ApplyObject,
    CreateJob,
    CreateSecret,
    DeleteJob,
    Outcome,
    PruneObject,
    RemoveKeys,
    Step,
    describe,
)

AfterStep = Callable[[Step], None]


def nothing(_: Step) -> None:
    """What happens after a step, where no one is interested."""


async def execute(
    kube: Kube, target: Target, steps: Sequence[Step], after_step: AfterStep = nothing
) -> list[Outcome]:
    """A step that the API server refuses does not stop the others. Raises KubeError when the
    server is overloaded or away: then the whole plan is made again."""
    outcomes = []
    for step in steps:
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
                await kube.create(step.manifest)
            case DeleteJob():
                await kube.delete("Job", target.names.namespace, step.name)
            case PruneObject():
                await kube.delete(step.kind, target.names.namespace, step.name)
            case RemoveKeys():
                await kube.remove_keys(target.names.namespace, step.name, step.keys)
    except KubeError as error:
        return _refused(step, error)
    return Outcome(step, "done")


def _refused(step: Step, error: KubeError) -> Outcome:
    deleting = isinstance(step, DeleteJob | PruneObject | RemoveKeys)
    if error.exists or (deleting and error.not_found):
        return Outcome(step, "exists")
    if error.passing:
        raise error
    return Outcome(step, "rejected", error.message)


async def _apply(kube: Kube, target: Target, step: ApplyObject) -> Outcome:
    """Force is for what is ours. Where the watch knows of nothing, a stranger may stand: look
    first, and let a field that another holds in the meantime refuse us."""
    ours = step.known or await _ours(kube, target, step.manifest)
    if ours is False:
        return Outcome(step, "taken")
    try:
        await kube.apply(step.manifest, force=bool(ours))
    except KubeError as error:
        if error.conflict and not ours:
            return Outcome(step, "taken")
        raise
    return Outcome(step, "done")


async def _ours(kube: Kube, target: Target, manifest: Manifest) -> bool | None:
    """Whether the object of this name is ours; None when there is none."""
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
    return postgres_secret(step.target, step.volume_uid, password)


def _log(target: Target, outcome: Outcome) -> None:
    if isinstance(outcome.step, CreateSecret) and outcome.result == "exists":
        return  # the ordinary case, every time
    log = structlog.get_logger().bind(
        namespace=target.names.namespace, pipeline=target.names.name, step=describe(outcome.step)
    )
    if outcome.result in ("taken", "rejected"):
        log.warning("step refused", result=outcome.result, cause=outcome.message)
    else:
        log.info("step", result=outcome.result)

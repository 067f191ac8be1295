"""Why the next Job of a build is not created yet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ragwright_operator.desired.target import BuildStep
from ragwright_operator.wanted.build import BuildWanted
from ragwright_operator.wanted.swap import SwapWanted
from ragwright_operator.world.observed import Observed


@dataclass(frozen=True)
class Hold:
    reason: Literal["Suspended", "Waiting", "RetryPending"]
    message: str


def find_hold(
    observed: Observed,
    build: BuildWanted,
    step: BuildStep,
    swap: SwapWanted | None,
    now: datetime,
) -> Hold | None:
    """Why the Job must wait, or None when it can be created in this round."""
    if step == "load" and observed.spec.suspend:
        why = build.note.why
        return Hold("Suspended", f"set suspend to false to have it built: {why}")
    if waits := waits_for(observed, step, swap):
        return Hold("Waiting", waits)
    if step == "load" and build.not_before is not None and now < build.not_before:
        begins = build.not_before.strftime("begins at %H:%M:%S UTC")
        if build.note.attempt == 1:
            return Hold("Waiting", f"{build.note.why}; a build {begins}")
        return Hold("RetryPending", f"attempt {build.note.attempt} {begins}")
    return None


def waits_for(observed: Observed, step: BuildStep, swap: SwapWanted | None) -> str:
    """What a step must wait for, in words; empty when it can start."""
    if step == "index":
        return _unmounted_secret(observed)
    names = observed.target.names
    if swap is not None:
        # A version that begins now would be planned on a term that the swap is about to end.
        return f"a swap comes first: {swap.note.why}"
    if observed.target.managed_postgres:
        server = observed.children.get(("StatefulSet", names.postgres), {})
        if not (server.get("status") or {}).get("readyReplicas"):
            return _not_ready_postgres(observed)
    cleanup = observed.jobs.get(names.cleanup_job)
    if cleanup is not None and cleanup.outcome is None:
        return f"Job {cleanup.name} still cleans up after an earlier pipeline of this name"
    return ""


def _not_ready_postgres(observed: Observed) -> str:
    names = observed.target.names
    has_pod = any(pod.component == "postgres" for pod in observed.pods)
    thing = f"pod {names.postgres}-0" if has_pod else f"statefulset {names.postgres}"
    see = f"kubectl -n {names.namespace} describe {thing}"
    return f"managed Postgres is not ready. See: {see}"


def _unmounted_secret(observed: Observed) -> str:
    """After the swap, questions are embedded with the new version's model: before it, every pod
    that may be asked must have the key of the model's endpoint."""
    key = observed.spec.embedding.secret_key_ref
    for pod in observed.pods:
        if key and pod.component == "api" and pod.ready and (key.name, key.key) not in pod.secrets:
            return f"API pod {pod.name} is being replaced by one that mounts Secret {key.name}"
    return ""

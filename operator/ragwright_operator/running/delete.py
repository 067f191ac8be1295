"""The end of a pipeline: does what the garbage collector does not do, within a time limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

from ragwright_core.names import PIPELINE_LABEL, Identity
from ragwright_core.report import IndexSummary
from ragwright_operator.describe.events import Event
from ragwright_operator.describe.troubles.controllers import without_pod
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.events import write_events
from ragwright_operator.effects.execute import execute
from ragwright_operator.effects.observe import observe
from ragwright_operator.plan.children import volume
from ragwright_operator.plan.deletion import cleaned, deletion_steps, needs_cleanup
from ragwright_operator.plan.steps import in_words
from ragwright_operator.running.reconcile import Reconciler
from ragwright_operator.world.observed import Observed
from ragwright_operator.world.podless import find_podless
from ragwright_operator.world.spec import UnusableSpecError
from ragwright_operator.world.trouble import Trouble

# The resource must be gone within a minute, and the steps after the waiting take some seconds.
PATIENCE = timedelta(seconds=45)
# Pods of Jobs have 10 s to end.
WRITERS_PATIENCE = timedelta(seconds=20)
PAUSE_SECONDS = 2.0


class DeletionWaits(Exception):  # noqa: N818 - not an error: the clean-up still runs
    """The deletion is not finished: look again after some seconds."""

    seconds = PAUSE_SECONDS


async def delete(reconciler: Reconciler, pipeline: Manifest, waited: timedelta) -> None:
    """Raises DeletionWaits while the clean-up runs, but for less than a minute: a database that is
    away must not prevent the deletion of a resource."""
    try:
        readers = replace(reconciler.readers, ask_index=_unasked)
        observed = await observe(pipeline, reconciler.site, readers)
    except UnusableSpecError:
        return
    steps = deletion_steps(observed, hurry=waited >= WRITERS_PATIENCE)
    outcomes = await execute(reconciler.kube, observed.target, steps, reconciler.after_step)
    if not needs_cleanup(observed) or cleaned(observed):
        await _tell_retained(reconciler, observed)
        return
    found = [outcome.message for outcome in outcomes if outcome.result == "rejected"]
    found += [
        f"{in_words(outcome.step)}: the name is taken"
        for outcome in outcomes
        if outcome.result == "taken"
    ]
    if waited < PATIENCE and not found:
        await _warn_podless(reconciler, observed)
        _wait(observed)
    found += [trouble.message for trouble in _podless(reconciler, observed)]
    await _warn_unfinished(reconciler, observed, found)


def _wait(observed: Observed) -> NoReturn:
    raise DeletionWaits(f"Job {observed.target.names.cleanup_job} is not done")


def _podless(reconciler: Reconciler, observed: Observed) -> list[Trouble]:
    """The clean-up's Job, if it has had no pod for long. No status is written any more."""
    now = reconciler.now()
    return [
        without_pod(observed, found)
        for found in find_podless(observed)
        if found.component == "cleanup" and now - found.created >= found.patience
    ]


async def _warn_podless(reconciler: Reconciler, observed: Observed) -> None:
    identity = observed.target.identity
    told = [
        Event("Warning", trouble.reason, trouble.message, identity.uid)
        for trouble in _podless(reconciler, observed)
    ]
    await write_events(reconciler.kube, identity, told, reconciler.now())


async def _warn_unfinished(reconciler: Reconciler, observed: Observed, found: list[str]) -> None:
    identity, schema = observed.target.identity, observed.target.names.schema
    why = found[0] if found else f"it is not done after {PATIENCE.seconds} s"
    event = Event(
        "Warning",
        "CleanupUnfinished",
        f"the clean-up of schema {schema} was let go: {why}. It may still end by itself; "
        f"else, as its owner: DROP SCHEMA {schema} CASCADE",
        identity.uid,
    )
    await write_events(reconciler.kube, identity, [event], reconciler.now())


async def _tell_retained(reconciler: Reconciler, observed: Observed) -> None:
    names, identity = observed.target.names, observed.target.identity
    claim = volume(observed)
    if observed.spec.deletion_policy == "Delete" or claim is None:
        return
    event = Event(
        "Normal",
        "Retained",
        f"deletionPolicy is Retain: volume claim {names.postgres} and the Secret of its password "
        f"stay for a pipeline of this name. To list what was left: kubectl -n {names.namespace} "
        f"get pvc,secret -l {PIPELINE_LABEL}={names.name}",
        identity.uid,
    )
    await write_events(reconciler.kube, identity, [event], reconciler.now())


async def _unasked(_: Identity) -> IndexSummary | None:
    return None

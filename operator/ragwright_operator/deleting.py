"""The end of a pipeline: what the garbage collector does not do, within bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from pydantic import ValidationError

from ragwright_core.names import PipelineName
from ragwright_core.report import IndexSummary
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.events import tell
from ragwright_operator.effects.execute import execute
from ragwright_operator.effects.observe import observe
from ragwright_operator.observed import Observed
from ragwright_operator.plan.deletion import cleaned, deletion_steps, needs_cleanup
from ragwright_operator.reconcile import Reconciler
from ragwright_operator.status.notices import Notice

# The resource is gone within a minute: what comes after the waiting takes some seconds more.
PATIENCE = timedelta(seconds=45)
# Pods of Jobs have 10 s to end.
WRITERS_PATIENCE = timedelta(seconds=20)
PAUSE_SECONDS = 2.0


class DeletionWaits(Exception):  # noqa: N818 - not an error: the clean-up still runs
    """Look again after some seconds."""

    seconds = PAUSE_SECONDS


async def delete(reconciler: Reconciler, pipeline: Manifest, waited: timedelta) -> None:
    """Raises DeletionWaits while the clean-up runs, for less than a minute: a database that is
    away must not keep a resource from going."""
    try:
        observed = await observe(
            pipeline,
            reconciler.cluster,
            reconciler.images,
            reconciler.read_children,
            _unasked,
        )
    except ValidationError:
        return
    steps = deletion_steps(observed, hurry=waited >= WRITERS_PATIENCE)
    outcomes = await execute(reconciler.kube, observed.target, steps, reconciler.after_step)
    if not needs_cleanup(observed) or cleaned(observed):
        return
    refused = [outcome.message for outcome in outcomes if outcome.result == "rejected"]
    if waited < PATIENCE and not refused:
        _wait(observed)
    await _tell_unfinished(reconciler, observed, refused)


def _wait(observed: Observed) -> NoReturn:
    raise DeletionWaits(f"Job {observed.target.names.cleanup_job} is not done")


async def _tell_unfinished(reconciler: Reconciler, observed: Observed, refused: list[str]) -> None:
    identity, schema = observed.target.identity, observed.target.names.schema
    why = refused[0] if refused else f"it is not done after {PATIENCE.seconds} s"
    notice = Notice(
        "Warning",
        "CleanupUnfinished",
        f"the clean-up of schema {schema} was let go: {why}. It may still end by itself; "
        f"else, as its owner: DROP SCHEMA {schema} CASCADE",
        identity.uid,
    )
    await tell(reconciler.kube, identity, [notice], reconciler.now())


async def _unasked(_: PipelineName) -> IndexSummary | None:
    return None

"""Deletes orders whose Jobs are gone or were never created. Pure."""

from __future__ import annotations

from ragwright_operator.desired.order import is_order, job_of
from ragwright_operator.desired.target import BUILD_STEPS
from ragwright_operator.plan.steps import PruneObject, Step
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.observed import Observed, is_ours


def order_steps(observed: Observed, wanted: Wanted) -> list[Step]:
    """An order also stays if its Job is wanted, because the watch may show a new Job later than
    its order."""
    known = _wanted(observed, wanted) | set(observed.jobs)
    return [
        PruneObject("ConfigMap", name)
        for (_, name), existing in observed.children.items()
        if is_order(existing)
        and job_of(name) not in known
        and "deletionTimestamp" not in existing["metadata"]
        and is_ours(existing, observed.target)
    ]


def _wanted(observed: Observed, wanted: Wanted) -> set[str]:
    names, found = observed.target.names, set()
    if wanted.swap is not None:
        request, attempt = wanted.swap.note.key
        found.add(names.job(request, "swap", attempt))
    if wanted.build is not None:
        request, attempt = wanted.build.note.key
        found |= {names.job(request, step, attempt) for step in BUILD_STEPS}
    return found

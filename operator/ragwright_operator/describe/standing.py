"""The conditions Reconciling and Stalled, by which kstatus, Flux, Helm and Argo CD tell whether to
wait any longer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ragwright_core.report import Reason
from ragwright_core.spec import shape_fingerprint
from ragwright_core.status import Condition
from ragwright_operator.describe.facts import Facts
from ragwright_operator.describe.finding import Finding
from ragwright_operator.plan.steps import ApplyObject, Outcome
from ragwright_operator.world.observed import Observed, key_of
from ragwright_operator.world.trouble import Trouble

_ROLLED_OUT = ("replicas", "updatedReplicas", "availableReplicas")
# What goes on until a person mends it. All other troubles are retried, and may end by themselves:
# a Secret that comes later, an endpoint that is away, a node without room.
STALLS = frozenset(
    {
        "ApprovalMismatch",
        "DatabaseChanged",
        "InvalidSpec",
        "NameTaken",
        "PinnedVersionMissing",
        "Rejected",
        "StorageCannotShrink",
        Reason.DATABASE_ENCODING,
        Reason.DATABASE_FORBIDDEN,
        Reason.EMBEDDING_REJECTED,
        Reason.EXTENSION_MISSING,
        Reason.EXTENSION_TOO_OLD,
        Reason.GATE_FAILED,
        Reason.LAYOUT_TOO_NEW,
        Reason.SCHEMA_OWNED,
        Reason.SOURCE_EMPTY,
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_UNAUTHORIZED,
    }
)


def stalled(wrong: Sequence[Trouble]) -> Finding:
    for trouble in wrong:
        if trouble.reason in STALLS:
            return Finding("True", trouble.reason, trouble.message)
    return Finding("False", "AsExpected", "nothing waits for a person to mend it")


def reconciling(
    facts: Facts, outcomes: Sequence[Outcome], stall: Finding, old: Condition | None
) -> Finding:
    """True until what the spec asks for is served. A routine build, or a pod that ends, does not
    make it True again: only another generation does."""
    observed = facts.observed
    if stall.status == "True":
        return Finding("False", "Stalled", f"a person must mend this first: {stall.message}")
    if old is not None and _was_served(old, observed.generation):
        return Finding("False", old.reason, old.message)
    if observed.spec.suspend:
        return Finding("False", "Suspended", "nothing is built while suspend is true")
    if facts.memory.waiting is not None:
        return Finding("False", "AwaitingApproval", "a version waits for a person's approval")
    if left := _applied(outcomes) or _index(facts) or _pods(observed):
        return Finding("True", "Progressing", left)
    return Finding("False", "Served", "what the spec asks for is served")


def _was_served(old: Condition, generation: int) -> bool:
    return (old.status, old.reason, old.observed_generation) == ("False", "Served", generation)


def _applied(outcomes: Sequence[Outcome]) -> str:
    """What was written in this round is not observed yet."""
    for outcome in outcomes:
        if isinstance(outcome.step, ApplyObject):
            kind, name = key_of(outcome.step.manifest)
            return f"{kind} {name} is brought to what the spec asks for"
    return ""


def _index(facts: Facts) -> str:
    live, spec = facts.index.live, facts.observed.spec
    if live is None:
        return "no version is live yet"
    if (pin := spec.reindex.pin) is not None:
        return "" if live.number == pin else f"version {pin} is about to be swapped in"
    fits = live.shape == shape_fingerprint(spec)
    return "" if fits else f"live version {live.number} was built for an older spec"


def _pods(observed: Observed) -> str:
    for (kind, name), found in observed.children.items():
        if kind in ("Deployment", "StatefulSet") and "spec" in found:
            status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
            known = status.get("observedGeneration") == found["metadata"]["generation"]
            counts = {status.get(count) or 0 for count in _ROLLED_OUT}
            if not known or counts != {wanted}:
                return f"{kind} {name} is rolled out: {min(counts)} of {wanted} pods are ready"
    return ""

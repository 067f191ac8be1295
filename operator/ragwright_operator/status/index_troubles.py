"""What is wrong with the index itself: lost, older than it should be, pinned to nothing. Pure."""

from __future__ import annotations

from ragwright_core.report import IndexSummary
from ragwright_core.spec import APPROVE_ANNOTATION
from ragwright_operator.observed import Observed, Trouble
from ragwright_operator.plan.approval import approved
from ragwright_operator.plan.swaps import is_wished
from ragwright_operator.status.reindexing import missing_pin

# Design section 5: below this an endpoint has changed its model under the same name.
SAME_MODEL_COSINE = 0.999


def index_troubles(observed: Observed) -> list[Trouble]:
    found = _swap(observed) + _approval(observed)
    if observed.summary is not None:
        found += _summary(observed, observed.summary)
    return found


def _swap(observed: Observed) -> list[Trouble]:
    swap = observed.status.swap
    if swap is None or not swap.problem or not is_wished(observed, swap):
        return []
    return [Trouble(swap.problem, f"{swap.why}: {swap.message} (attempt {swap.attempt})")]


def _approval(observed: Observed) -> list[Trouble]:
    """An approval that fits nothing moves nothing, and must not pass in silence."""
    waiting, live = observed.status.index.waiting, observed.status.index.live
    approval = approved(observed.approval)
    if observed.approval and approval is None:
        words = "is not an approval: write the version's number, and the gates it overrides"
        return [Trouble("ApprovalMismatch", f"{_quoted(observed)} {words}, as in '7 maxShrink'")]
    if approval is None or waiting is None or (live and approval.number == live.number):
        return []
    if approval.number != waiting.number:
        words = f"names version {approval.number}, but version {waiting.number} waits"
        return [Trouble("ApprovalMismatch", f"{_quoted(observed)} {words}; correct it")]
    missing = sorted(set(waiting.failed_gates) - set(approval.override))
    if not missing:
        return []
    words = f"does not override {', '.join(missing)}, which version {waiting.number} failed"
    value = f"{waiting.number} {','.join(waiting.failed_gates)}"
    return [Trouble("ApprovalMismatch", f"{_quoted(observed)} {words}: write '{value}'")]


def _quoted(observed: Observed) -> str:
    return f"annotation {APPROVE_ANNOTATION}={observed.approval[:100]!r}"


def _summary(observed: Observed, summary: IndexSummary) -> list[Trouble]:
    cosine = summary.embedding_cosine
    found = [_pin(observed, summary), _lost(summary) or _older(observed, summary)]
    if cosine is not None and cosine < SAME_MODEL_COSINE:
        found.append(Trouble("EmbeddingChanged", _changed(observed, cosine)))
    return [trouble for trouble in found if trouble]


def _pin(observed: Observed, summary: IndexSummary) -> Trouble | None:
    pin, live = observed.spec.reindex.pin, summary.live
    there = {other.number for other in summary.others if other.intact}
    if pin is None or pin in there or (live and live.number == pin):
        return None
    return Trouble("PinnedVersionMissing", missing_pin(observed, pin))


def _lost(summary: IndexSummary) -> Trouble | None:
    live = summary.live
    if (live is not None and live.intact) or (live is None and not summary.others):
        return None
    lost = f"live version {live.number} has lost its tables" if live else "no version is live"
    return Trouble("LiveVersionLost", f"{lost}; {_repair(summary)}")


def _older(observed: Observed, summary: IndexSummary) -> Trouble | None:
    """Restored from a backup, or another hand moved the pointer."""
    status, live = observed.status, summary.live
    swapping = status.swap is not None and status.swap.outcome == "running"
    settled = status.build is not None and status.build.outcome == "done"
    if live is None or status.build is None or status.build.number is None:
        return None
    meant = observed.spec.reindex.pin is not None or status.index.waiting is not None
    if swapping or not settled or meant or live.number >= status.build.number:
        return None
    words = f"version {live.number} answers, although {status.build.number} was built after it"
    return Trouble("OlderVersionLive", f"{words}; {_repair(summary)}")


def _repair(summary: IndexSummary) -> str:
    """What the plan does about it (`plan/swaps.py`, `plan/request.py`)."""
    floor = summary.live.number if summary.live and summary.live.intact else 0
    kept = [o.number for o in summary.others if o.state == "kept" and o.intact]
    if kept and kept[0] > floor:
        return f"version {kept[0]} is swapped in"
    return "a build begins within two minutes"


def _changed(observed: Observed, cosine: float) -> str:
    names = observed.target.names
    return (
        f"the embedding endpoint answers with another model under the same name (cosine "
        f"{cosine:.4f}); nothing is cached. Mend the endpoint, or build anew: kubectl -n "
        f"{names.namespace} annotate --overwrite rag {names.name} ragwright.dev/reindex=$(date +%s)"
    )

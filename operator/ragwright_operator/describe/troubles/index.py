"""Problems of the index itself: it is lost, too old, or pinned to a missing version. Pure."""

from __future__ import annotations

from ragwright_core.contract import SAME_MODEL_COSINE
from ragwright_core.report import IndexSummary
from ragwright_core.spec import APPROVE_ANNOTATION
from ragwright_core.status import Index
from ragwright_operator.describe.facts import Facts
from ragwright_operator.describe.reindexing import missing_pin
from ragwright_operator.memory.memory import Memory
from ragwright_operator.wanted.approval import approved
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.observed import Observed
from ragwright_operator.world.trouble import Trouble


def index_troubles(facts: Facts) -> list[Trouble]:
    observed, memory = facts.observed, facts.memory
    found = _swap(memory, facts.wanted) + _approval(observed, facts.index)
    if observed.summary is not None:
        found += _summary(observed, memory, observed.summary)
    return found


def _swap(memory: Memory, wanted: Wanted) -> list[Trouble]:
    swap = memory.swap
    if swap is None or not swap.failure or not wanted.last_swap_stands:
        return []
    return [Trouble(swap.failure, f"{swap.why}: {swap.message} (attempt {swap.attempt})")]


def _approval(observed: Observed, index: Index) -> list[Trouble]:
    """An approval that fits no version has no effect, so the user must be told about it."""
    waiting, live = index.waiting, index.live
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
    return [Trouble("ApprovalMismatch", f"{_quoted(observed)} {words}: write '{waiting.approval}'")]


def _quoted(observed: Observed) -> str:
    return f"annotation {APPROVE_ANNOTATION}={observed.approval[:100]!r}"


def _summary(observed: Observed, memory: Memory, summary: IndexSummary) -> list[Trouble]:
    cosine = summary.embedding_cosine
    found = [_pin(observed, summary), _lost(summary) or _older(observed, memory, summary)]
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


def _older(observed: Observed, memory: Memory, summary: IndexSummary) -> Trouble | None:
    """The database was restored from a backup, or somebody moved the pointer by hand."""
    build, live = memory.build, summary.live
    if live is None or build is None or build.number is None or build.outcome != "done":
        return None
    meant = observed.spec.reindex.pin is not None or memory.waiting is not None
    if memory.running_swap or meant or live.number >= build.number:
        return None
    words = f"version {live.number} answers, although {build.number} was built after it"
    return Trouble("OlderVersionLive", f"{words}; {_repair(summary)}")


def _repair(summary: IndexSummary) -> str:
    """What the operator does about an older index (`wanted/swap.py`, `wanted/build.py`)."""
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

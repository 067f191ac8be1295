"""The conditions Reindexing and Pinned: what is being done about the index, or waits. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ragwright_core.schedule import next_due
from ragwright_core.spec import APPROVE_ANNOTATION
from ragwright_core.status import Build, Index, SwapTask, WaitingVersion
from ragwright_operator.observed import Observed
from ragwright_operator.plan.builds import waits_for
from ragwright_operator.plan.request import Ask, next_build
from ragwright_operator.plan.standing import standing
from ragwright_operator.status.finding import Finding


def reindexing(observed: Observed, build: Build | None, now: datetime) -> Finding:
    swap = observed.status.swap
    if swap is not None and swap.outcome == "running" and swap.number is not None:
        return _swapping(swap)
    if (pin := observed.spec.reindex.pin) is not None:
        return Finding("False", "Pinned", f"nothing is built while version {pin} is pinned")
    if build is not None and build.outcome == "running":
        return _running(observed, build, now)
    if waiting := observed.status.index.waiting:
        return Finding("False", "AwaitingApproval", _approve(observed, waiting))
    ask = next_build(observed, now)
    if ask is not None:
        return _pending(observed, ask, now)
    return Finding("False", "Idle", f"the index fits the spec{_next(observed, now)}")


def pinned(observed: Observed, index: Index, pin: int) -> Finding:
    live = index.live.number if index.live else None
    if live == pin:
        return Finding(
            "True", "Pinned", f"version {pin} stays live until reindex.pin is taken away"
        )
    if observed.summary is None:
        return Finding("Unknown", "ApiSilent", "no API pod says which versions are kept")
    swap = observed.status.swap
    there = [other.number for other in observed.summary.others if other.intact]
    if pin in there or (swap and swap.outcome == "running" and swap.number == pin):
        return Finding("False", "Swapping", f"version {pin} is about to be swapped in")
    return Finding("False", "PinnedVersionMissing", missing_pin(observed, pin))


def missing_pin(observed: Observed, pin: int) -> str:
    summary = observed.summary
    others = summary.others if summary else []
    numbers = [o.number for o in others if o.state == "kept" and o.intact]
    if summary and summary.live:
        numbers.append(summary.live.number)
    there = ", ".join(map(str, sorted(numbers))) or "none"
    return (
        f"there is no version {pin} any more; nothing was moved. Write one that is kept ({there}) "
        "in reindex.pin, or take it away"
    )


def _swapping(swap: SwapTask) -> Finding:
    return Finding("True", "Swap", f"{swap.why}, attempt {swap.attempt}")


def _approve(observed: Observed, waiting: WaitingVersion) -> str:
    names = observed.target.names
    value = " ".join([str(waiting.number), ",".join(waiting.failed_gates)]).strip()
    failed = f" failed {', '.join(waiting.failed_gates)}" if waiting.failed_gates else " is ready"
    moved = f"; first sources that change: {'; '.join(waiting.moved)}" if waiting.moved else ""
    return (
        f"version {waiting.number}{failed}{moved}. To swap it in: kubectl -n {names.namespace} "
        f"annotate --overwrite rag {names.name} '{APPROVE_ANNOTATION}={value}'"
    )


def _running(observed: Observed, build: Build, now: datetime) -> Finding:
    phase = standing(observed, build.request, build.attempt).phase
    if phase == "loaded" and (waits := waits_for(observed, "index", now)):
        return Finding("True", "Waiting", waits)
    word = "Index" if phase == "indexing" else "Load"
    return Finding("True", word, f"{build.why}, attempt {build.attempt}")


def _pending(observed: Observed, ask: Ask, now: datetime) -> Finding:
    """A build is wanted and none runs."""
    if observed.spec.suspend:
        return Finding("False", "Suspended", f"set suspend to false to have it built: {ask.why}")
    if waits := waits_for(observed, "load", now):
        return Finding("False", "Waiting", waits)
    if ask.not_before is not None and now < ask.not_before:
        again = ask.not_before.strftime("%H:%M:%S UTC")
        return Finding("False", "RetryPending", f"attempt {ask.attempt} begins at {again}")
    return Finding("True", "Starting", ask.why)


def _next(observed: Observed, now: datetime) -> str:
    reindex = observed.spec.reindex
    due = next_due(reindex.schedule, reindex.time_zone, now) if reindex.schedule else None
    if due is None:
        return ""
    local = due.astimezone(ZoneInfo(reindex.time_zone))
    return f"; the next build is due at {local:%Y-%m-%d %H:%M} {reindex.time_zone}"

"""Swaps apart from a build's own: to a pinned, approved or intact version. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from ragwright_core.model import fingerprint
from ragwright_core.report import LiveIndex, OtherVersion, Reason
from ragwright_core.spec import shape_fingerprint
from ragwright_core.status import SwapTask
from ragwright_operator.observed import Observed
from ragwright_operator.plan.approval import approved
from ragwright_operator.plan.pauses import pause

SwapReason = Literal["Pinned", "NewestFits", "Approved", "RestoredFromKept", "Dropped"]

BUILD_STEPS = ("load", "index")

# What the same Job would find again.
FINAL = frozenset({Reason.VERSION_GONE, Reason.GATE_FAILED})
# An API pod may tell of the pointer as it was a moment ago.
SETTLED = timedelta(seconds=10)


@dataclass(frozen=True)
class SwapAsk:
    """One attempt of a swap. `number` None asks only to drop what is kept no longer."""

    request: str
    reason: SwapReason
    number: int | None
    why: str
    override: tuple[str, ...] = ()
    attempt: int = 1
    not_before: datetime | None = None


@dataclass(frozen=True)
class Wish:
    """Which version should be live instead, and why."""

    reason: SwapReason
    number: int | None
    why: str
    override: tuple[str, ...] = field(default=())


def next_swap(observed: Observed, now: datetime) -> SwapAsk | None:
    """The swap that should run, runs, or waits to be tried again. Nothing is known, and nothing
    new is wished for, while the API does not say what is live."""
    task, wish = observed.status.swap, _wish(observed)
    running = task is not None and task.outcome == "running"
    if task is not None and running and (wish is None or wish.number == task.number):
        override = wish.override if wish else ()
        return SwapAsk(task.request, task.reason, task.number, task.why, override, task.attempt)
    if wish is None:
        return None
    request = _request(observed, wish)
    ask = SwapAsk(request, wish.reason, wish.number, wish.why, wish.override)
    if task is None or task.request != request:
        return ask
    return _again(ask, task, now)


def _again(ask: SwapAsk, task: SwapTask, now: datetime) -> SwapAsk | None:
    """The same request once more, if that can help."""
    assert task.finished_at is not None
    if task.outcome == "done":
        return None if now - task.finished_at < SETTLED else ask
    if task.problem in FINAL:
        return None
    return SwapAsk(
        request=ask.request,
        reason=ask.reason,
        number=ask.number,
        why=ask.why,
        override=ask.override,
        attempt=task.attempt + 1,
        not_before=task.finished_at + pause(task.request, task.attempt),
    )


def is_wished(observed: Observed, task: SwapTask) -> bool:
    """Whether a swap is asked for still; what was pinned may have been let go. True while the API
    does not say what is live."""
    wish = _wish(observed)
    return observed.summary is None or (
        wish is not None and _request(observed, wish) == task.request
    )


def _request(observed: Observed, wish: Wish) -> str:
    """The term makes a wish that comes again after another swap a new one."""
    summary = observed.summary
    term = summary.live.term if summary and summary.live else 0
    return fingerprint(
        [observed.target.identity.uid, wish.reason, wish.number, list(wish.override), term]
    )


def _wish(observed: Observed) -> Wish | None:
    summary, pin = observed.summary, observed.spec.reindex.pin
    if summary is None:
        return None
    others = [other for other in summary.others if other.intact]
    if pin is not None:
        return _to_pin(summary.live, others, pin)
    lost = summary.live is None or not summary.live.intact
    if lost and (wish := _restore(summary.live, others)):
        return wish
    if _build_runs(observed):
        return None
    if summary.live is None:
        return _to_approved(observed, None)
    return (
        _to_approved(observed, summary.live)
        or _to_newest(observed, summary.live, others)
        or _drop(observed, summary.others)
    )


def _build_runs(observed: Observed) -> bool:
    """Also one whose Job status does not know of yet: its operator was killed in between."""
    names, build = observed.target.names, observed.status.build
    known = {names.job(build.request, step, build.attempt) for step in BUILD_STEPS} if build else ()
    return (build is not None and build.outcome == "running") or any(
        job.component in BUILD_STEPS and not job.deleting and job.name not in known
        for job in observed.jobs.values()
    )


def _swap_runs(observed: Observed) -> bool:
    """Between its COMMIT and its end one version more is kept than should be: it drops that."""
    return any(
        job.component == "swap" and job.outcome is None and not job.deleting
        for job in observed.jobs.values()
    )


def _to_pin(live: LiveIndex | None, others: list[OtherVersion], pin: int) -> Wish | None:
    if live is not None and live.number == pin:
        return None
    there = any(other.number == pin for other in others)
    return Wish("Pinned", pin, f"reindex.pin names version {pin}") if there else None


def _restore(live: LiveIndex | None, others: list[OtherVersion]) -> Wish | None:
    """By the written rule: to the newest intact kept version."""
    kept = [other.number for other in others if other.state == "kept"]
    if not kept:
        return None
    lost = f"live version {live.number} has lost its tables" if live else "no version was live"
    return Wish("RestoredFromKept", kept[0], f"{lost}; version {kept[0]} is kept and intact")


def _to_approved(observed: Observed, live: LiveIndex | None) -> Wish | None:
    waiting, approval = observed.status.index.waiting, approved(observed.approval)
    if waiting is None or approval is None or approval.number != waiting.number:
        return None
    if live is not None and live.number == waiting.number:
        return None  # done; its report is about to be read
    if not set(waiting.failed_gates) <= set(approval.override):
        return None
    over = f", over {', '.join(waiting.failed_gates)}" if waiting.failed_gates else ""
    why = f"version {waiting.number} was approved{over}"
    return Wish("Approved", waiting.number, why, approval.override)


def _to_newest(observed: Observed, live: LiveIndex, others: list[OtherVersion]) -> Wish | None:
    """After a pin, or when another hand moved the pointer."""
    shape = shape_fingerprint(observed.spec)
    fitting = [o.number for o in others if o.state == "kept" and o.shape == shape]
    if not fitting or fitting[0] < live.number:
        return None
    return Wish("NewestFits", fitting[0], f"version {fitting[0]} is the newest that fits the spec")


def _drop(observed: Observed, others: list[OtherVersion]) -> Wish | None:
    kept, keep = [other for other in others if other.state == "kept"], observed.spec.reindex.keep
    if len(kept) <= keep or _swap_runs(observed):
        return None
    return Wish("Dropped", None, f"{len(kept)} versions are kept, reindex.keep is {keep}")

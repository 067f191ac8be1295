"""Swaps apart from a build's own: to a pinned, approved or intact version. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from ragwright_core.memory import SwapTask
from ragwright_core.model import fingerprint
from ragwright_core.report import IndexSummary, LiveVersionSummary, OtherVersion, Reason
from ragwright_core.spec import shape_fingerprint
from ragwright_operator.desired.notes import SwapNote
from ragwright_operator.memory.memory import Memory
from ragwright_operator.wanted.approval import approved
from ragwright_operator.wanted.pauses import pause
from ragwright_operator.world.observed import Observed

SwapCause = Literal["Pinned", "NewestFits", "Approved", "RestoredFromKept", "Dropped"]

# After these failures, the same Job would fail again.
FINAL = frozenset({Reason.VERSION_GONE, Reason.GATE_FAILED})
# An API pod may show the pointer as it was a moment ago.
SETTLED = timedelta(seconds=10)


@dataclass(frozen=True)
class Wish:
    """Which version should be live instead, and why. If `number` is None, only versions that are no
    longer kept are dropped. `override` names the gates that a person has overridden. `term` is the
    live term for which it is wished."""

    cause: SwapCause
    number: int | None
    why: str
    override: tuple[str, ...] = ()
    request: str = ""
    term: int | None = None


@dataclass(frozen=True)
class SwapWanted:
    """One attempt of a swap, with the note for its Job."""

    note: SwapNote
    override: tuple[str, ...] = ()
    not_before: datetime | None = None


def next_swap(wish: Wish | None, task: SwapTask | None, now: datetime) -> SwapWanted | None:
    """The swap that should run, runs, or waits for its next attempt. `task` is the last swap."""
    running = task is not None and task.outcome == "running"
    if task is not None and running and (wish is None or wish.number == task.number):
        return _the_same(wish, task, now)
    if wish is None:
        return None
    if task is None or task.request != wish.request:
        return _attempt(wish, 1, now)
    assert task.finished_at is not None
    if task.outcome == "done":
        return None if now - task.finished_at < SETTLED else _attempt(wish, 1, now)
    if task.failure in FINAL:
        return None
    again = _attempt(wish, task.attempt + 1, now)
    return replace(again, not_before=task.finished_at + pause(task.request, task.attempt))


def _the_same(wish: Wish | None, task: SwapTask, now: datetime) -> SwapWanted:
    note = SwapNote(
        request=task.request,
        attempt=task.attempt,
        why=task.why,
        at=now,
        cause=task.cause,
        number=task.number,
        term=task.term,
    )
    return SwapWanted(note, wish.override if wish else ())


def _attempt(wish: Wish, attempt: int, now: datetime) -> SwapWanted:
    note = SwapNote(
        request=wish.request,
        attempt=attempt,
        why=wish.why,
        at=now,
        cause=wish.cause,
        number=wish.number,
        term=wish.term,
    )
    return SwapWanted(note, wish.override)


def find_wish(observed: Observed, memory: Memory) -> Wish | None:
    """The swap that is wanted now. None while the API does not say what is live."""
    wish = _wish(observed, memory)
    if wish is None:
        return None
    # With the term, the same wish after another swap is a new request.
    uid, term = observed.target.identity.uid, _term(observed.summary)
    asked = [uid, wish.cause, wish.number, list(wish.override), term or 0]
    return replace(wish, request=fingerprint(asked), term=term)


def _term(summary: IndexSummary | None) -> int | None:
    """The term that is now, also if no version is live."""
    if summary is None:
        return None
    if summary.term is None and summary.live is not None:
        return summary.live.term
    return summary.term


def _wish(observed: Observed, memory: Memory) -> Wish | None:
    summary, pin = observed.summary, observed.spec.reindex.pin
    if summary is None:
        return None
    others = [other for other in summary.others if other.intact]
    if pin is not None:
        return _to_pin(summary.live, others, pin)
    lost = summary.live is None or not summary.live.intact
    if lost and (wish := _restore(summary.live, others)):
        return wish
    if memory.running_build:
        return None
    if summary.live is None:
        return _to_approved(observed, memory, None)
    return (
        _to_approved(observed, memory, summary.live)
        or _to_newest(observed, summary.live, others)
        or _drop(observed, summary.others)
    )


def _swap_runs(observed: Observed) -> bool:
    """Whether a swap Job runs. Between its COMMIT and its end one version too many is kept, which
    the Job itself drops."""
    return any(
        job.component == "swap" and job.outcome is None and not job.deleting
        for job in observed.jobs.values()
    )


def _to_pin(live: LiveVersionSummary | None, others: list[OtherVersion], pin: int) -> Wish | None:
    if live is not None and live.number == pin:
        return None
    there = any(other.number == pin for other in others)
    return Wish("Pinned", pin, f"reindex.pin names version {pin}") if there else None


def _restore(live: LiveVersionSummary | None, others: list[OtherVersion]) -> Wish | None:
    """A swap to the newest kept version that is intact, because the live one is lost."""
    kept = [other.number for other in others if other.state == "kept"]
    if not kept:
        return None
    lost = f"live version {live.number} has lost its tables" if live else "no version was live"
    return Wish("RestoredFromKept", kept[0], f"{lost}; version {kept[0]} is kept and intact")


def _to_approved(
    observed: Observed, memory: Memory, live: LiveVersionSummary | None
) -> Wish | None:
    waiting, approval = memory.waiting, approved(observed.approval)
    if waiting is None or approval is None or approval.number != waiting.number:
        return None
    if live is not None and live.number == waiting.number:
        return None  # the swap is done, and its report is about to be read
    if not set(waiting.failed_gates) <= set(approval.override):
        return None
    over = f", over {', '.join(waiting.failed_gates)}" if waiting.failed_gates else ""
    why = f"version {waiting.number} was approved{over}"
    return Wish("Approved", waiting.number, why, approval.override)


def _to_newest(
    observed: Observed, live: LiveVersionSummary, others: list[OtherVersion]
) -> Wish | None:
    """A swap to the newest version that fits, after a pin was removed or somebody moved the pointer
    by hand."""
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

"""What build is wanted now, if any. Pure, and the same after every crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ragwright_core.model import fingerprint
from ragwright_core.report import Reason
from ragwright_core.schedule import last_due
from ragwright_core.spec import shape_fingerprint
from ragwright_core.status import Build
from ragwright_operator.observed import Observed
from ragwright_operator.plan.pauses import pause
from ragwright_operator.plan.swaps import next_swap

# The API may tell of an older version for a moment after a swap.
MISFIT_PATIENCE = timedelta(seconds=60)
# What the attempt had pinned (a listing, a version's place in line) can never succeed.
STARTS_ANEW = frozenset(
    {
        Reason.EMBEDDING_CHANGED,
        Reason.SOURCE_CHANGED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SUPERSEDED,
    }
)


@dataclass(frozen=True)
class Ask:
    """One attempt of a build. `request` names its Jobs and its row in the database."""

    request: str
    shape: str
    trigger: str
    why: str
    attempt: int = 1
    not_before: datetime | None = None


def next_build(observed: Observed, now: datetime) -> Ask | None:
    """The build that should run, runs, or waits to be tried again; None when all is built, or
    while a version is pinned: what is asked for meanwhile is still asked for afterwards."""
    if observed.spec.reindex.pin is not None:
        return None
    last, shape = observed.status.build, shape_fingerprint(observed.spec)
    trigger = _trigger(observed)
    if last is None:
        return _ask(observed, "", shape, trigger, "first build")
    if (last.shape, last.trigger) != (shape, trigger):
        asked = "asked for by annotation" if last.trigger != trigger else "the spec changed"
        return _ask(observed, last.request, shape, trigger, asked)
    if last.outcome == "running":
        return Ask(last.request, shape, trigger, last.why, last.attempt)
    gate_failed = last.outcome == "failed" and last.reason == Reason.GATE_FAILED
    if last.outcome == "failed" and not gate_failed:
        return _retry(observed, last)
    why = _scheduled(observed, last, now) or (
        _other_gates(observed, last) if gate_failed else _misfit(observed, last, now)
    )
    return _ask(observed, last.request, shape, trigger, why) if why else None


def gates_fingerprint(observed: Observed) -> str:
    return fingerprint(observed.spec.reindex.gates.model_dump())[:16]


def _other_gates(observed: Observed, last: Build) -> str:
    """The same documents would fail the same gates again, at the cost of a build each time."""
    return "reindex.gates changed" if last.gates != gates_fingerprint(observed) else ""


def _scheduled(observed: Observed, last: Build, now: datetime) -> str:
    """A moment of the schedule since the last build was asked for. However many were missed, one
    build makes up for them."""
    reindex = observed.spec.reindex
    if reindex.schedule is None:
        return ""
    due = last_due(reindex.schedule, reindex.time_zone, now)
    if due is None or due <= (last.asked_at or last.started_at):
        return ""
    local = due.astimezone(ZoneInfo(reindex.time_zone))
    return f"scheduled for {local:%Y-%m-%d %H:%M} {reindex.time_zone}"


def _trigger(observed: Observed) -> str:
    """Fingerprint of the annotation's value. Taking the annotation away asks for nothing."""
    if observed.trigger:
        return fingerprint(observed.trigger)[:16]
    return observed.status.build.trigger if observed.status.build else ""


def _ask(observed: Observed, after: str, shape: str, trigger: str, why: str) -> Ask:
    """A request unlike every earlier one: settings that go there and back are built anew, from
    the documents of that day, and not from a listing that an older request had pinned."""
    request = fingerprint([observed.target.identity.uid, shape, trigger, after])
    return Ask(request, shape, trigger, why)


def _retry(observed: Observed, last: Build) -> Ask:
    fresh = last.reason in STARTS_ANEW
    ask = _ask(observed, last.request, last.shape, last.trigger, last.why)
    assert last.finished_at is not None
    return Ask(
        request=ask.request if fresh else last.request,
        shape=last.shape,
        trigger=last.trigger,
        why=last.why,
        attempt=last.attempt + 1,
        not_before=last.finished_at + pause(last.request, last.attempt),
    )


def _misfit(observed: Observed, last: Build, now: datetime) -> str:
    """Why the live version does not fit the spec, although the last build ended well: another
    hand moved the pointer, or the database was restored."""
    settled = last.finished_at is not None and now - last.finished_at > MISFIT_PATIENCE
    waiting, summary = observed.status.index.waiting, observed.summary
    if summary is None or not settled or waiting or next_swap(observed, now):
        return ""
    if summary.live is None:
        return "the database holds no live version"
    live = summary.live
    if not live.intact:
        return f"live version {live.number} has lost its tables"
    if live.shape != last.shape:
        return f"live version {live.number} does not fit the spec"
    older = last.number is not None and live.number < last.number
    return f"live version {live.number} is older than {last.number}, which is gone" if older else ""

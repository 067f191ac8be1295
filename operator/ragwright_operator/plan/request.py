"""What build is wanted now, if any. Pure, and the same after every crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ragwright_core.model import fingerprint
from ragwright_core.report import Reason
from ragwright_core.spec import shape_fingerprint
from ragwright_core.status import Build
from ragwright_operator.observed import Observed

FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 600
# The API may tell of an older version for a moment after a swap.
MISFIT_PATIENCE = timedelta(seconds=60)
# What the attempt had pinned (a listing, a version's place in line) can never succeed.
STARTS_ANEW = frozenset(
    {Reason.GATE_FAILED, Reason.SOURCE_CHANGED, Reason.SOURCE_NOT_FOUND, Reason.SUPERSEDED}
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
    """The build that should run, runs, or waits to be tried again; None when all is built."""
    last, shape = observed.status.build, shape_fingerprint(observed.spec)
    trigger = _trigger(observed)
    if last is None:
        return _ask(observed, "", shape, trigger, "first build")
    if (last.shape, last.trigger) != (shape, trigger):
        asked = "asked for by annotation" if last.trigger != trigger else "the spec changed"
        return _ask(observed, last.request, shape, trigger, asked)
    if last.outcome == "running":
        return Ask(last.request, shape, trigger, last.why, last.attempt)
    if last.outcome == "failed":
        return _retry(observed, last)
    if misfit := _misfit(observed, last, now):
        return _ask(observed, last.request, shape, trigger, misfit)
    return None


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


def pause(request: str, attempt: int) -> timedelta:
    """Growing, and spread by a fifth either way so that pipelines do not retry in step."""
    seconds = min(FIRST_PAUSE_SECONDS * 2 ** min(attempt - 1, 10), LONGEST_PAUSE_SECONDS)
    spread = int(fingerprint([request, attempt])[:4], 16) / 0xFFFF
    return timedelta(seconds=int(seconds * (0.8 + 0.4 * spread)))


def _misfit(observed: Observed, last: Build, now: datetime) -> str:
    """Why the live version does not fit the spec, although the last build ended well: another
    hand moved the pointer, or the database was restored."""
    settled = last.finished_at is not None and now - last.finished_at > MISFIT_PATIENCE
    if observed.summary is None or not settled:
        return ""
    live = observed.summary.live
    if live is None:
        return "the database holds no live version"
    return "" if live.shape == last.shape else f"live version {live.number} does not fit the spec"

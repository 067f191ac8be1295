"""The build that is wanted now, if any. Pure, so that a crash does not change the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ragwright_core.memory import Build, ChangedDocuments
from ragwright_core.model import fingerprint
from ragwright_core.report import Reason
from ragwright_core.schedule import last_due
from ragwright_core.spec import (
    gates_fingerprint,
    shape_fingerprint,
    shape_parts,
    trigger_fingerprint,
)
from ragwright_operator.desired.notes import BuildNote
from ragwright_operator.memory.memory import Memory
from ragwright_operator.wanted.changes import changed_documents, changes
from ragwright_operator.wanted.pauses import pause
from ragwright_operator.wanted.polls import polled
from ragwright_operator.world.observed import Observed

# The API may still show an older version for a moment after a swap.
MISFIT_PATIENCE = timedelta(seconds=60)
# Several ConfigMaps of one `kubectl apply` are one change, as are the pushes of a burst, however
# long it lasts.
DEBOUNCE = timedelta(seconds=3)
LONGEST_BURST = timedelta(seconds=60)
# After these failures, the same request can never succeed: it has pinned a listing of documents or
# a model that no longer exists, or another request has superseded it.
STARTS_ANEW = frozenset(
    {
        Reason.EMBEDDING_CHANGED,
        Reason.SOURCE_CHANGED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SUPERSEDED,
    }
)


@dataclass(frozen=True)
class BuildWanted:
    """One attempt of a build, with the note for its Jobs."""

    note: BuildNote
    not_before: datetime | None = None


def next_build(
    observed: Observed, memory: Memory, now: datetime, *, swap_comes: bool
) -> BuildWanted | None:
    """The build that should run, runs, or waits for its next attempt. None if everything is built,
    or while a version is pinned; requests that come meanwhile are served after the pin."""
    if observed.spec.reindex.pin is not None:
        return None
    last, new = memory.build, _note(observed, memory, now)
    if last is None or (last.shape, last.trigger) != (new.shape, new.trigger):
        return _anew(observed, new, _asked(last, new))
    if last.outcome == "running":
        return BuildWanted(_again(new, last, last.attempt))
    if memory.changed is not None:
        return _of_changed(observed, new, last, memory.changed)
    if last.outcome == "failed" and last.failure != Reason.GATE_FAILED:
        return _retry(observed, new, last)
    quiet = not swap_comes and memory.waiting is None
    why = _scheduled(observed, memory, last, now) or _unfit(observed, new, last, now, quiet=quiet)
    # After a failed gate, a look at the same documents would have them built again.
    looks = quiet and last.outcome == "done" and not why
    look = polled(observed, last, now) if looks else ""
    new = new.model_copy(update={"poll": look != ""})
    return _anew(observed, new, why or look) if why or look else None


def _asked(last: Build | None, new: BuildNote) -> str:
    if last is None:
        return "first build"
    return "asked for by annotation" if last.trigger != new.trigger else changes(last, new)


def _note(observed: Observed, memory: Memory, now: datetime) -> BuildNote:
    """What the spec asks for now; `request` is that of the last build."""
    last, spec = memory.build, observed.spec
    # Removing the annotation requests nothing.
    trigger = trigger_fingerprint(observed.trigger) if observed.trigger else ""
    return BuildNote(
        request=last.request if last else "",
        attempt=1,
        at=now,
        shape=shape_fingerprint(spec),
        parts=shape_parts(spec),
        trigger=trigger or (last.trigger if last else ""),
        documents=dict(observed.documents),
        pushes=observed.pushes(last.pushes if last else {}),
        gates=gates_fingerprint(spec.reindex.gates),
        secret_key=spec.embedding.secret_key_ref,
    )


def _anew(observed: Observed, note: BuildNote, why: str) -> BuildWanted:
    """A request that differs from every earlier one. If settings are changed there and back, the
    index is built from the present documents, not from the listing that an older request pinned."""
    asked = [observed.target.identity.uid, note.shape, note.trigger, note.request]
    return BuildWanted(note.model_copy(update={"request": fingerprint(asked), "why": why}))


def _of_changed(
    observed: Observed, note: BuildNote, last: Build, changed: ChangedDocuments
) -> BuildWanted:
    """After pushes, the revisions are looked at first: they may be of other files."""
    looks = note.documents == last.documents
    anew = _anew(observed, note.model_copy(update={"poll": looks}), changed_documents(last, note))
    begins = min(changed.last + DEBOUNCE, changed.since + LONGEST_BURST)
    return replace(anew, not_before=begins)


def _again(note: BuildNote, last: Build, attempt: int) -> BuildNote:
    return note.model_copy(update={"why": last.why, "poll": last.poll, "attempt": attempt})


def _retry(observed: Observed, note: BuildNote, last: Build) -> BuildWanted:
    again = _again(note, last, last.attempt + 1)
    if last.failure in STARTS_ANEW:
        again = _anew(observed, again, last.why).note
    assert last.finished_at is not None
    return BuildWanted(again, last.finished_at + pause(last.request, last.attempt))


def _other_gates(note: BuildNote, last: Build) -> str:
    """Rebuild after failed gates only if the gates changed: the same documents would fail the same
    gates again."""
    return "reindex.gates changed" if last.gates != note.gates else ""


def _scheduled(observed: Observed, memory: Memory, last: Build, now: datetime) -> str:
    """Whether the schedule was due since the last build was requested and since it was written, in
    words. One build makes up for any number of missed moments."""
    reindex = observed.spec.reindex
    if reindex.schedule is None or memory.schedule is None:
        return ""
    due = last_due(reindex.schedule, reindex.time_zone, now)
    if due is None or due <= max(last.asked_at or last.started_at, memory.schedule.since):
        return ""
    local = due.astimezone(ZoneInfo(reindex.time_zone))
    return f"scheduled for {local:%Y-%m-%d %H:%M} {reindex.time_zone}"


def _unfit(observed: Observed, new: BuildNote, last: Build, now: datetime, *, quiet: bool) -> str:
    if last.outcome == "failed":
        return _other_gates(new, last)
    return _misfit(observed, last, now) if quiet else ""


def _misfit(observed: Observed, last: Build, now: datetime) -> str:
    """Why the live version does not fit the spec although the last build succeeded: somebody moved
    the pointer by hand, or the database was restored."""
    settled = last.finished_at is not None and now - last.finished_at > MISFIT_PATIENCE
    if observed.summary is None or not settled:
        return ""
    live = observed.summary.live
    if live is None:
        return "the database holds no live version"
    if not live.intact:
        return f"live version {live.number} has lost its tables"
    if live.shape != last.shape:
        return f"live version {live.number} does not fit the spec"
    older = last.number is not None and live.number < last.number
    return f"live version {live.number} is older than {last.number}, which is gone" if older else ""

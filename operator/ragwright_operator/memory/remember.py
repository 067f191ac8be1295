"""Updates everything that the operator remembers with the reports of Jobs. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ragwright_core.memory import ChangedDocuments, KnownSchedule
from ragwright_core.model import fingerprint
from ragwright_core.status import WaitingVersion
from ragwright_operator.memory.build import remember_build
from ragwright_operator.memory.memory import Memory
from ragwright_operator.memory.podless import remember_podless
from ragwright_operator.memory.swap import remember_swap
from ragwright_operator.world.observed import Observed

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def remember(observed: Observed, now: datetime) -> Memory:
    """The memory that is the base of everything else in this round."""
    memory = Memory.of(observed.status)
    memory = replace(
        memory,
        waiting=_still_waits(observed, memory.waiting),
        schedule=_schedule(observed, memory.schedule),
        podless=remember_podless(observed, memory.podless, now),
    )
    memory = remember_swap(observed, remember_build(observed, memory, now), now)
    return replace(memory, changed=_changed(observed, memory, now))


def _changed(observed: Observed, memory: Memory, now: datetime) -> ChangedDocuments | None:
    """While a build runs, it may still read what has changed, or not: told apart at its end."""
    build, known = memory.build, memory.changed
    if build is None or build.outcome == "running":
        return None
    pushes = observed.pushes(build.pushes)
    pushed = any(build.pushes.get(source) != word for source, word in pushes.items())
    if build.documents == observed.documents and not pushed:
        return None
    word = fingerprint([dict(observed.documents), pushes])[:16]
    if known is not None and known.word == word:
        return known
    return ChangedDocuments(since=known.since if known else now, last=now, word=word)


def _schedule(observed: Observed, known: KnownSchedule | None) -> KnownSchedule | None:
    """The schedule of the spec, which has missed no moment before it was written."""
    reindex = observed.spec.reindex
    if reindex.schedule is None:
        return None
    if known and (known.line, known.time_zone) == (reindex.schedule, reindex.time_zone):
        return known
    since = observed.schedule_written or _LONG_AGO
    return KnownSchedule(line=reindex.schedule, time_zone=reindex.time_zone, since=since)


def _still_waits(observed: Observed, waiting: WaitingVersion | None) -> WaitingVersion | None:
    """The waiting version, or None if it was ready and is not any more, because the database was
    restored or somebody swapped the version by hand."""
    summary = observed.summary
    if waiting is None or summary is None or waiting.failed_gates:
        return waiting
    there = any(o.number == waiting.number and o.state == "ready" for o in summary.others)
    return waiting if there else None

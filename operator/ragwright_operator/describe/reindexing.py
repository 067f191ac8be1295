"""The conditions Reindexing and Pinned: which work on the index runs or waits. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ragwright_core.spec import APPROVE_ANNOTATION
from ragwright_core.status import WaitingVersion
from ragwright_operator.describe.facts import Facts
from ragwright_operator.describe.finding import Finding
from ragwright_operator.wanted.build import BuildWanted
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.observed import Observed


def reindexing(facts: Facts) -> Finding:
    observed, memory, wanted = facts.observed, facts.memory, facts.wanted
    swap = memory.running_swap
    if swap is not None and swap.number is not None:
        return Finding("True", "Swap", f"{swap.why}, attempt {swap.attempt}")
    if (pin := observed.spec.reindex.pin) is not None:
        return Finding("False", "Pinned", f"nothing is built while version {pin} is pinned")
    if memory.waiting is not None:
        return Finding("False", "AwaitingApproval", _approve(observed, memory.waiting))
    if wanted.build is not None:
        return _building(observed, wanted, wanted.build)
    return _idle(observed, wanted.due)


def _building(observed: Observed, wanted: Wanted, build: BuildWanted) -> Finding:
    if wanted.hold is not None:
        loaded = wanted.step == "index"
        return Finding("True" if loaded else "False", wanted.hold.reason, wanted.hold.message)
    phase, note = observed.attempt(*build.note.key).phase, build.note
    if phase == "none":
        return Finding("True", "Starting", note.why)
    told = f"{note.why}, attempt {note.attempt}"
    return Finding("True", "Index" if phase == "indexing" else "Load", told)


def pinned(facts: Facts, pin: int) -> Finding:
    observed, swap = facts.observed, facts.memory.running_swap
    live = facts.index.live.number if facts.index.live else None
    if live == pin:
        return Finding(
            "True", "Pinned", f"version {pin} stays live until reindex.pin is taken away"
        )
    if observed.summary is None:
        return Finding("Unknown", "ApiSilent", "no API pod says which versions are kept")
    there = [other.number for other in observed.summary.others if other.intact]
    if pin in there or (swap and swap.number == pin):
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


def _approve(observed: Observed, waiting: WaitingVersion) -> str:
    names = observed.target.names
    failed = f" failed {', '.join(waiting.failed_gates)}" if waiting.failed_gates else " is ready"
    moved = f"; first sources that change: {'; '.join(waiting.moved)}" if waiting.moved else ""
    return (
        f"version {waiting.number}{failed}{moved}. To swap it in: kubectl -n {names.namespace} "
        f"annotate --overwrite rag {names.name} '{APPROVE_ANNOTATION}={waiting.approval}'"
    )


def _idle(observed: Observed, due: datetime | None) -> Finding:
    following = ""
    if due is not None:
        zone = observed.spec.reindex.time_zone
        local = due.astimezone(ZoneInfo(zone))
        following = f"; the next build is due at {local:%Y-%m-%d %H:%M} {zone}"
    return Finding("False", "Idle", f"the index fits the spec{following}")

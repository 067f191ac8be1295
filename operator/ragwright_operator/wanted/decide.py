"""Makes all decisions about the index, once per round. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ragwright_core.memory import SwapTask
from ragwright_core.schedule import next_due
from ragwright_operator.desired.target import BuildStep
from ragwright_operator.memory.memory import Memory
from ragwright_operator.wanted.build import BuildWanted, next_build
from ragwright_operator.wanted.polls import next_poll
from ragwright_operator.wanted.swap import SwapWanted, Wish, find_wish, next_swap
from ragwright_operator.wanted.waits import Hold, find_hold
from ragwright_operator.world.observed import Observed
from ragwright_operator.world.podless import find_podless

# While a build's pod runs, the API is asked for its progress this often.
BUSY_SECONDS = 2.0
# While no pod of the build runs, there is no progress to ask for, and the watches tell of all else
# but the end of somebody's patience. 300 pending builds cost a third of a core at two seconds.
PENDING_SECONDS = 15.0


@dataclass(frozen=True)
class Wanted:
    """`step` is the Job that the wanted build needs next, and `hold` why it is not created yet.
    `swap_due`: create the swap's Job now. `last_swap_stands`: the last swap is still requested.
    `due`: when the schedule requests the next build. `again_seconds`: the next round begins after
    this time at the latest."""

    build: BuildWanted | None = None
    step: BuildStep | None = None
    hold: Hold | None = None
    swap: SwapWanted | None = None
    swap_due: bool = False
    last_swap_stands: bool = False
    due: datetime | None = None
    again_seconds: float | None = None

    def of(self, documents: Mapping[str, str]) -> Wanted:
        """The same, where the wanted build notes that it is made of these documents."""
        if self.build is None:
            return self
        note = self.build.note.model_copy(update={"documents": dict(documents)})
        return replace(self, build=replace(self.build, note=note))


def decide(observed: Observed, memory: Memory, now: datetime) -> Wanted:
    wish = find_wish(observed, memory)
    swap = next_swap(wish, memory.swap, now)
    build = next_build(observed, memory, now, swap_comes=swap is not None)
    step = _step(observed, build) if build else None
    reindex = observed.spec.reindex
    due = next_due(reindex.schedule, reindex.time_zone, now) if reindex.schedule else None
    moments = [
        due,
        build and build.not_before,
        swap and swap.not_before,
        _patience(observed, memory, now),
        next_poll(observed, now),
    ]
    return Wanted(
        build=build,
        step=step,
        hold=find_hold(observed, build, step, swap, now) if build and step else None,
        swap=swap,
        swap_due=_is_due(observed, swap, now) if swap else False,
        last_swap_stands=_stands(observed, memory.swap, wish),
        due=due,
        again_seconds=_again(
            observed, memory, [moment for moment in moments if moment and moment > now], now
        ),
    )


def _step(observed: Observed, build: BuildWanted) -> BuildStep | None:
    phase = observed.attempt(*build.note.key).phase
    return "load" if phase == "none" else "index" if phase == "loaded" else None


def _is_due(observed: Observed, swap: SwapWanted, now: datetime) -> bool:
    early = swap.not_before is not None and now < swap.not_before
    return not early and observed.attempt(*swap.note.key).phase == "none"


def _stands(observed: Observed, last: SwapTask | None, wish: Wish | None) -> bool:
    """Whether the last swap is still requested: a pin, for example, may have been removed. True
    while the API does not say what is live."""
    if last is None:
        return False
    return observed.summary is None or (wish is not None and wish.request == last.request)


def _again(
    observed: Observed, memory: Memory, moments: Sequence[datetime], now: datetime
) -> float | None:
    """Seconds until the next round: few while a Job runs, else until a failed attempt is repeated
    or a build is due."""
    seconds = [max((moment - now).total_seconds(), BUSY_SECONDS) for moment in moments]
    builds = memory.running_build is not None and observed.spec.reindex.pin is None
    if memory.running_swap or builds:
        runs = any(pod.job and pod.ready for pod in observed.pods)
        seconds.append(BUSY_SECONDS if runs else PENDING_SECONDS)
    return min(seconds, default=None)


def _patience(observed: Observed, memory: Memory, now: datetime) -> datetime | None:
    """When a controller without a pod will be told, if none is told yet."""
    moments = [
        since + found.patience
        for found in find_podless(observed)
        if (since := memory.podless.get(found.key, found.created)) + found.patience > now
    ]
    return min(moments, default=None)

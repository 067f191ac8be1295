"""Whether the operator still sees changes. kopf's own probe succeeds even with a dead watcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from ragwright_core.spec import PLURAL
from ragwright_operator.effects.watch import KindWatch, silent

# The kubelet may ask before kopf has begun to watch.
STARTING_SECONDS = 30.0


@dataclass
class Liveness:
    """`watching` are the tasks of the watches; `clock` gives seconds."""

    watches: Sequence[KindWatch]
    watching: Sequence[asyncio.Task[None]]
    clock: Callable[[], float] = monotonic
    _began_at: float = field(init=False)
    _has_watched: bool = False

    def __post_init__(self) -> None:
        self._began_at = self.clock()

    def dead(self) -> list[str]:
        """What has stopped, in words. The list is empty when all is well."""
        found = [f"{task.get_name()} has ended" for task in self.watching if task.done()]
        found += [f"nothing was heard of {kind} for long" for kind in silent(self.watches)]
        watches = any(_watches_pipelines(task) for task in asyncio.all_tasks())
        self._has_watched = self._has_watched or watches
        starting = not self._has_watched and self.clock() - self._began_at < STARTING_SECONDS
        if not watches and not starting:
            found.append(f"{PLURAL} are not watched")
        return found


def _watches_pipelines(task: asyncio.Task[object]) -> bool:
    """Whether this is one of kopf's watchers, which have such names. A watcher that met an ERROR in
    the stream never comes back (kopf#1276)."""
    return task.get_name().startswith(f"watcher for {PLURAL}") and not task.done()

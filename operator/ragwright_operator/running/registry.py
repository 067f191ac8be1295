"""The pipelines that the operator runs, each with its wake-up event and its lock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

Place = tuple[str, str]  # namespace and name


@dataclass
class Entry:
    """Set `woken` when something about the pipeline changed. Hold `lock` during a round. `reads`
    are the ConfigMaps of its documents."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reads: frozenset[str] = frozenset()

    async def rest(self, seconds: float) -> None:
        """Sleep until woken, but at most `seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.woken.wait(), seconds)


@dataclass
class Registry:
    _by_place: dict[Place, Entry] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._by_place)

    def entry(self, namespace: str, name: str) -> Entry:
        """The entry of a pipeline, which is created if it does not exist."""
        return self._by_place.setdefault((namespace, name), Entry())

    def forget(self, namespace: str, name: str) -> None:
        self._by_place.pop((namespace, name), None)

    def wake(self, namespace: str, name: str) -> None:
        """A pipeline that has no entry yet needs no waking."""
        if entry := self._by_place.get((namespace, name)):
            entry.woken.set()

    def wake_readers(self, namespace: str, config_map: str) -> None:
        """Wake the pipelines whose documents stand in this ConfigMap."""
        for (where, _), entry in self._by_place.items():
            if where == namespace and config_map in entry.reads:
                entry.woken.set()

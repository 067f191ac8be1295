"""The pipelines under care: what wakes each one, and a lock so that nothing overlaps."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

Place = tuple[str, str]  # namespace and name


@dataclass
class Cared:
    """Set `woken` when something about the pipeline changed; hold `lock` for a round."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rest(self, seconds: float) -> None:
        """Until woken, at most `seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.woken.wait(), seconds)


@dataclass
class Pipelines:
    _by_place: dict[Place, Cared] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._by_place)

    def care(self, namespace: str, name: str) -> Cared:
        return self._by_place.setdefault((namespace, name), Cared())

    def forget(self, namespace: str, name: str) -> None:
        self._by_place.pop((namespace, name), None)

    def wake(self, namespace: str, name: str) -> None:
        """A pipeline that no one cares for yet needs no waking."""
        if cared := self._by_place.get((namespace, name)):
            cared.woken.set()

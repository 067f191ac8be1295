"""One computation for equal questions that are asked at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ragwright_api.tasks.background import Background

Result = TypeVar("Result")


@dataclass
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    waiting: int = 0


class SingleFlight(Generic[Result]):
    """Runs a computation detached from its callers: it ends when the last of them has left."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}
        self._background = Background()

    def __len__(self) -> int:
        """The number of computations under way."""
        return len(self._flights)

    def under_way(self, key: str) -> bool:
        return key in self._flights

    async def run(self, key: str, compute: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """The result for `key`. A failure is raised to all callers that wait, and is not kept."""
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(self._background.start(self._fly(key, compute)))
            self._flights[key] = flight
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                # Removed at once, so that no new caller joins a computation that is ending.
                del self._flights[key]
                flight.task.cancel()

    async def _fly(self, key: str, compute: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        try:
            return await compute()
        finally:
            # If all callers have left, this may end after a new computation has taken its place.
            own = self._flights.get(key)
            if own is not None and own.task is asyncio.current_task():
                del self._flights[key]

"""One computation for equal questions that are asked at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    waiting: int = 0


class SingleFlight(Generic[Result]):
    """Runs a computation detached from its callers: it ends when the last of them has left."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}

    def under_way(self, key: str) -> bool:
        return key in self._flights

    async def run(self, key: str, compute: Callable[[], Awaitable[Result]]) -> Result:
        """The result for `key`; a failure goes to all who wait, and is not kept."""
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(compute()))
            self._flights[key] = flight
            flight.task.add_done_callback(lambda _: self._flights.pop(key, None))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                self._flights.pop(key, None)
                flight.task.cancel()

"""Waits until a webhook of a pipeline was called, and wakes the pipeline then.

What its API says of that is not believed: it only begins a round, which asks as always.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ragwright_core.names import PipelineName

# From the tag of what was told last: the present one, when it differs or after a minute. None when
# the API is away, or of a release that cannot say.
Hear = Callable[[PipelineName, str], Awaitable[str | None]]
Wake = Callable[[str, str], None]
Listen = Callable[[PipelineName, bool], None]

# Between two questions; pushes that come meanwhile are told together.
SHORTEST_PAUSE = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


def to_nobody(pipeline: PipelineName, wanted: bool) -> None:  # noqa: FBT001 - a Listen
    del pipeline, wanted


@dataclass
class Listening:
    """One task for each pipeline that has webhooks."""

    hear: Hear
    wake: Wake
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _tasks: dict[PipelineName, asyncio.Task[None]] = field(default_factory=dict)

    def listen(self, pipeline: PipelineName, wanted: bool) -> None:  # noqa: FBT001 - a Listen
        """Begin to listen, or end it."""
        if not wanted:
            if task := self._tasks.pop(pipeline, None):
                task.cancel()
        elif pipeline not in self._tasks:
            self._tasks[pipeline] = asyncio.create_task(self._listen(pipeline))

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, pipeline: PipelineName) -> None:
        told, failures = "", 0
        while True:
            heard = await self.hear(pipeline, told)
            if heard is None:
                failures += 1
                longest = min(FIRST_PAUSE * 2.0**failures, LONGEST_PAUSE)
            else:
                failures, longest = 0, SHORTEST_PAUSE
                if heard != told:
                    self.wake(pipeline.namespace, pipeline.name)
                told = heard
            await self.pause(longest * random.uniform(0.8, 1.2))

"""Waits for a task for a limited time."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

Result = TypeVar("Result")

# A wait that ends this much late shows that this process had no time to run. It then waits again, a
# few times at most, for ten times as long as it was late.
_LATE_SECONDS = 0.01
_TIMES_LATE = 10
_WAITS = 4


async def result_within(task: asyncio.Task[Result], seconds: float) -> Result:
    """The result of a task. Raises TimeoutError.

    Time in which this process could not run is not counted: the command may not even have been
    sent, and its reply may have arrived without being read.
    """
    wait = seconds
    for _ in range(_WAITS):
        due = time.monotonic() + wait
        await asyncio.wait({task}, timeout=wait)
        late = time.monotonic() - due
        if task.done() or late < _LATE_SECONDS:
            break
        wait = min(seconds, _TIMES_LATE * late)
    for _ in range(3):  # what has arrived by now is read
        if task.done():
            return task.result()
        await asyncio.sleep(0)
    raise TimeoutError

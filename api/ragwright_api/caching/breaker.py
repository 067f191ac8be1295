"""Limits the use of Redis: the time per request, and a rest after failures."""

from __future__ import annotations

import time
from collections.abc import Callable

# The time for all reads of one request together.
BUDGET_SECONDS = 0.05
# The time for a call that keeps what a model was paid for, while nobody waits for it.
STORE_SECONDS = 1.0
# Less time is not enough for a call, which would then count as a failure of Redis.
_TOO_LITTLE_SECONDS = 0.001
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 5.0


class Breaker:
    """Leaves Redis alone for 5 s after three failures in a row. Calls that failed at the same time
    count as one failure: a single pause of Redis, or of this process, fails all of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._failed_at = float("-inf")
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def begin(self) -> float:
        """The time when a call begins, for `record`."""
        return self._clock()

    def record(self, began: float, *, ok: bool) -> None:
        """What became of a call. It is to be told with the result of `begin`."""
        if ok:
            self._failures = 0
        elif began >= self._failed_at:
            self._failures += 1
            self._failed_at = self._clock()
        if self._failures >= FAILURES_TO_OPEN:
            self._open_until = self._clock() + OPEN_SECONDS


class Budget:
    """The time that one request may still spend on reads from Redis."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def spend(self, seconds: float) -> None:
        left = self.seconds - seconds
        self.seconds = left if left > _TOO_LITTLE_SECONDS else 0.0

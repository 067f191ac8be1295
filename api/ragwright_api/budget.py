"""How much Redis may be asked for: a request's time, and a rest after failures."""

from __future__ import annotations

import time
from collections.abc import Callable

# All Redis calls of one request together.
BUDGET_SECONDS = 0.05
# Less is no time for a call, which would count as a failure of Redis.
_TOO_LITTLE_SECONDS = 0.001
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 5.0


class Breaker:
    """Leaves Redis alone for 5 s after three failures in a row."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def record(self, *, ok: bool) -> None:
        self._failures = 0 if ok else self._failures + 1
        if self._failures >= FAILURES_TO_OPEN:
            self._open_until = self._clock() + OPEN_SECONDS


class Budget:
    """The time that one request may still spend on Redis."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def spend(self, seconds: float) -> None:
        left = self.seconds - seconds
        self.seconds = left if left > _TOO_LITTLE_SECONDS else 0.0

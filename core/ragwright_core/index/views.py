"""The stable names `documents` and `chunks`: views over the kept versions that follow the pointer.

A version joins before it is swapped in and leaves before it is dropped, never at the swap.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import psycopg

from ragwright_core.index import queries

# A view's lock queues everyone behind a long reader: ask briefly, and again.
TRIES = 60


def with_lock_retries(
    action: Callable[[], None], *, tries: int = TRIES, pause: Callable[[float], None] = time.sleep
) -> None:
    """Run `action` again while a lock is not to be had. Raises LockNotAvailable in the end."""
    for attempt in range(1, tries + 1):
        try:
            action()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == tries:
                raise
            pause(random.uniform(0.1, 0.2) * min(attempt, 10))
        else:
            return


def write_views(connection: psycopg.Connection[Any], numbers: list[int]) -> None:
    """Let the views cover these versions; dropped when there are none."""

    def write() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            if not numbers:
                connection.execute(queries.DROP_VIEWS)
                return
            connection.execute(queries.documents_view(numbers))
            connection.execute(queries.chunks_view(numbers))

    with_lock_retries(write)

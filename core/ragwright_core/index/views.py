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
from ragwright_core.index.versions import numbers_in

# A view's lock queues everyone behind a long reader: ask briefly, and again.
TRIES = 60


def with_lock_retries(
    action: Callable[[], None], *, tries: int = TRIES, pause: Callable[[float], None] = time.sleep
) -> None:
    """Run `action` again while a lock is not to be had. Raises LockNotAvailable in the end."""
    for attempt in range(1, tries + 1):
        try:
            action()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if attempt == tries:
                raise psycopg.errors.LockNotAvailable(str(error)) from None
            pause(random.uniform(0.05, 0.15) * min(attempt, 10))
        else:
            return


def cover_versions(connection: psycopg.Connection[Any], *, tries: int = TRIES) -> None:
    """Let the views cover every version that is or may become live; dropped when there is none.

    The caller holds the advisory lock of the schema's views. Raises LockNotAvailable when a reader
    keeps a view longer than `tries` last.
    """

    def write() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            numbers = numbers_in(connection, "live", "kept", "ready")
            if not numbers:
                connection.execute(queries.DROP_VIEWS)
                return
            connection.execute(queries.documents_view(numbers))
            connection.execute(queries.chunks_view(numbers))

    with_lock_retries(write, tries=tries)

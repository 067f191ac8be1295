"""The stable names `documents` and `chunks`: views over the kept versions that follow the pointer.

A version joins while it is built and leaves before it is dropped, never at the swap: whoever
reads the views through a swap does not hold it up.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import psycopg

from ragwright_core.index import queries
from ragwright_core.index.layout import advisory_lock
from ragwright_core.index.versions import numbers_in
from ragwright_core.names import chunks_table, documents_table

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


def join_views(connection: psycopg.Connection[Any], schema: str, *, tries: int = TRIES) -> None:
    """`cover_versions`, under the lock that it needs."""
    with advisory_lock(connection, views_lock(schema)):
        cover_versions(connection, tries=tries)


def views_lock(schema: str) -> str:
    """Name of the advisory lock under which the views are written."""
    return f"ragwright views {schema}"


def cover_versions(connection: psycopg.Connection[Any], *, tries: int = TRIES) -> None:
    """Let the views cover every version that has tables and is not going; dropped when there is
    none. Locks nothing where they do already.

    The caller holds the advisory lock of the schema's views. Raises LockNotAvailable when a reader
    keeps a view longer than `tries` last.
    """

    def write() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            numbers = numbers_in(connection, "live", "kept", "ready", "failed", "building")
            if _reads(numbers) == set(connection.execute(queries.COVERED)):
                return
            if not numbers:
                connection.execute(queries.DROP_VIEWS)
                return
            connection.execute(queries.documents_view(numbers))
            connection.execute(queries.chunks_view(numbers))

    with_lock_retries(write, tries=tries)


def _reads(numbers: list[int]) -> set[tuple[str, str]]:
    """Views and the tables they read when they cover these versions."""
    tables = {"documents": documents_table, "chunks": chunks_table}
    return {(view, table(number)) for view, table in tables.items() for number in numbers}

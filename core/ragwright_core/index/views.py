"""The stable names `documents` and `chunks`: views over the kept versions that follow the pointer.

A version is added to the views while it is built and removed before it is dropped. The swap does
not change the views, so that their readers do not delay it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg

from ragwright_core.index import locks, queries
from ragwright_core.index.version import tables
from ragwright_core.index.version.states import HAS_TABLES
from ragwright_core.index.versions import layouts_in
from ragwright_core.names import chunks_table, documents_table

# Waiting for a view's lock makes every later reader wait too: wait briefly, and try again.
TRIES = 60


def with_lock_retries(
    action: Callable[[], None], *, tries: int = TRIES, pause: Callable[[float], None] = time.sleep
) -> None:
    """Run `action` until it gets its locks. Raises LockNotAvailable after the last try."""
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
    """Call `cover_versions` under the lock that it needs."""
    with locks.advisory_lock(connection, locks.of_views(schema)):
        cover_versions(connection, tries=tries)


def cover_versions(connection: psycopg.Connection[Any], *, tries: int = TRIES) -> None:
    """Let the views cover every version that has tables and is not being dropped; if there is no
    such version, drop the views. Locks nothing if they are right already.

    The caller holds the advisory lock of the schema's views. Raises LockNotAvailable when a reader
    keeps a view for longer than `tries` take, and DependentObjectsStillExist when a view with a
    newer release's columns cannot be replaced because other views depend on it.
    """

    def write() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            layouts = layouts_in(connection, *HAS_TABLES)
            if _reads(layouts) == set(connection.execute(queries.COVERED)):
                return
            if not layouts:
                connection.execute(queries.DROP_VIEWS)
                return
            try:
                with connection.transaction():
                    _create(connection, layouts)
            except psycopg.errors.InvalidTableDefinition:
                # A newer release added columns, which CREATE OR REPLACE cannot remove.
                connection.execute(queries.DROP_VIEWS)
                _create(connection, layouts)

    with_lock_retries(write, tries=tries)


def _create(connection: psycopg.Connection[Any], layouts: Mapping[int, int]) -> None:
    connection.execute(tables.documents_view(layouts))
    connection.execute(tables.chunks_view(layouts))


def _reads(numbers: Iterable[int]) -> set[tuple[str, str]]:
    """Pairs of a view and a table that it reads, if the views cover these versions."""
    names = {"documents": documents_table, "chunks": chunks_table}
    return {(view, table(number)) for view, table in names.items() for number in numbers}

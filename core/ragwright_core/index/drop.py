"""Dropping versions that are kept no longer, without blocking a reader."""

from __future__ import annotations

from typing import Any

import psycopg

from ragwright_core.index import queries
from ragwright_core.index.layout import advisory_lock
from ragwright_core.index.versions import mark, numbers_in
from ragwright_core.index.views import with_lock_retries, write_views


def surplus(kept: list[int], keep: int) -> list[int]:
    """Which of the kept versions (newest first) are beyond `keep`."""
    return kept[keep:]


def drop_surplus(
    connection: psycopg.Connection[Any], schema: str, keep: int, *, before: int
) -> list[int]:
    """Drop versions beyond `keep`, and what failed or abandoned builds left below `before`.

    A build with a higher number may be under way. Returns the dropped numbers. Holds the live
    row's lock while it marks, so that no swap can choose a version that is going.
    """
    with advisory_lock(connection, f"ragwright views {schema}"):
        with connection.transaction():
            connection.execute(queries.LOCK_LIVE)
            going = surplus(numbers_in(connection, "kept"), keep)
            going += [
                number
                for number in numbers_in(connection, "failed", "building", "dropping")
                if number < before
            ]
            for number in going:
                mark(connection, number, "dropping")
        write_views(connection, numbers_in(connection, "live", "kept", "ready"))
        for number in going:
            _drop(connection, number)
    return going


def _drop(connection: psycopg.Connection[Any], number: int) -> None:
    def drop() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            connection.execute(queries.drop_tables(number))
            mark(connection, number, "dropped")

    with_lock_retries(drop)

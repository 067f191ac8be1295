"""Dropping versions that are kept no longer, without blocking a reader."""

from __future__ import annotations

from typing import Any

import psycopg

from ragwright_core.index import queries
from ragwright_core.index.layout import advisory_lock
from ragwright_core.index.tables import drop_tables
from ragwright_core.index.versions import mark, numbers_in
from ragwright_core.index.views import cover_versions, views_lock, with_lock_retries
from ragwright_core.spec import Reindex

# About 6 s: what a reader holds longer is left for the next build.
TRIES = 10


def surplus(kept: list[int], keep: int, spared: set[int | None]) -> list[int]:
    """Which of the kept versions (last live first) are beyond `keep`; never a spared one."""
    return [number for number in kept if number not in spared][keep:]


def drop_surplus(
    connection: psycopg.Connection[Any],
    schema: str,
    reindex: Reindex,
    *,
    failed: bool = False,
    tries: int = TRIES,
) -> list[int]:
    """Drop versions beyond `reindex.keep`; with `failed` also those that failed or were abandoned,
    which until the next build a person may still approve.

    Returns the numbers that a reader holds: they stay marked `dropping`. Holds the live row's
    lock while it marks, so that no swap can choose a version that is going.
    """
    with advisory_lock(connection, views_lock(schema)):
        with connection.transaction():
            row = connection.execute(queries.LOCK_LIVE).fetchone()
            # The pointer has the last word, also where another hand has moved it.
            spared = {reindex.pin, row[0] if row else None}
            kept = [number for (number,) in connection.execute(queries.KEPT)]
            going = surplus(kept, reindex.keep, spared)
            going += numbers_in(connection, "dropping")
            going += numbers_in(connection, "failed") if failed else []
            going += [number for (number,) in connection.execute(queries.HAS_REMAINS)]
            for number in going:
                mark(connection, number, "dropping")
        if not going:
            return []
        try:
            cover_versions(connection, tries=tries)
        except psycopg.errors.LockNotAvailable:
            return going
        return [number for number in going if not _drop(connection, number, tries)]


def _drop(connection: psycopg.Connection[Any], number: int, tries: int) -> bool:
    def drop() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            connection.execute(drop_tables(number))
            mark(connection, number, "dropped")

    try:
        with_lock_retries(drop, tries=tries)
    except psycopg.errors.LockNotAvailable:
        return False
    return True

"""Drops versions that are no longer kept, without blocking a reader."""

from __future__ import annotations

from typing import Any, Protocol

import psycopg

from ragwright_core.index import locks, queries
from ragwright_core.index.version import presence
from ragwright_core.index.version.tables import drop_tables
from ragwright_core.index.versions import mark, numbers_in
from ragwright_core.index.views import cover_versions, with_lock_retries

# About 6 s. A version that a reader holds longer is left for the next build.
TRIES = 10


class Keeping(Protocol):
    """How many versions are kept beside the live one, and which version is always kept."""

    @property
    def keep(self) -> int: ...

    @property
    def pin(self) -> int | None: ...


def surplus(kept: list[int], keep: int, spared: set[int | None]) -> list[int]:
    """The kept versions beyond the first `keep`, without the spared ones. `kept` begins with the
    version that was live last."""
    return [number for number in kept if number not in spared][keep:]


def drop_surplus(
    connection: psycopg.Connection[Any],
    schema: str,
    reindex: Keeping,
    *,
    failed: bool = False,
    tries: int = TRIES,
) -> list[int]:
    """Drop the versions beyond `reindex.keep`. With `failed`, also drop those that failed or were
    abandoned, which a person may approve until the next build.

    Returns the numbers of versions that a reader holds: these stay marked `dropping`. The live
    row is locked during the marking, so that no swap can choose a version that will be dropped.
    """
    with locks.advisory_lock(connection, locks.of_views(schema)):
        with connection.transaction():
            row = connection.execute(queries.LOCK_LIVE).fetchone()
            # The pointer decides what is live, even if it was moved by hand.
            spared = {reindex.pin, row[0] if row else None}
            kept = [number for (number,) in connection.execute(queries.KEPT)]
            going = surplus(kept, reindex.keep, spared)
            going += numbers_in(connection, "dropping")
            going += numbers_in(connection, "failed") if failed else []
            going += [number for (number,) in connection.execute(presence.REMAINS)]
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

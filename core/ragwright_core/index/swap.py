"""The swap: one transaction of plain UPDATEs, planned on a term."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from ragwright_core.index import queries
from ragwright_core.index.versions import read_live

ATTEMPTS = 5


class StaleTermError(Exception):
    """Another swap came first; the world this one was planned on is gone."""


@dataclass(frozen=True)
class Swapped:
    """A done swap: duration of its transaction, and how many attempts it took."""

    term: int
    milliseconds: float
    attempts: int


def swap(connect: Callable[[], psycopg.Connection[Any]], number: int, planned_on: int) -> Swapped:
    """Make `number` the live version if the term is still `planned_on`.

    `connect` gives a prepared autocommit connection. A connection lost at COMMIT leaves the
    outcome unknown: the pointer is read again, and it says whether it was us.

    Raises StaleTermError when another swap came first, psycopg.OperationalError when the database
    stays away.
    """
    last: psycopg.OperationalError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connect() as connection:
                began = time.monotonic()
                changed = _transaction(connection, number, planned_on)
                took = (time.monotonic() - began) * 1000
                live = read_live(connection)
        except psycopg.OperationalError as error:
            last = error
            continue
        if changed or (live.number, live.term) == (number, planned_on + 1):
            return Swapped(live.term, took, attempt)
        raise StaleTermError(
            f"the swap to version {number} was planned on term {planned_on}; it is {live.term} now"
        )
    assert last is not None
    raise last


def _transaction(connection: psycopg.Connection[Any], number: int, term: int) -> bool:
    with connection.transaction():
        done = connection.execute(queries.SWAP, {"number": number, "term": term})
        if done.rowcount == 0:
            return False
        connection.execute(queries.MARK_SWAPPED, {"number": number})
        return True

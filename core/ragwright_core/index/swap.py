"""The swap: one transaction of plain UPDATEs, valid only for the term it was planned on."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from ragwright_core.index import queries
from ragwright_core.index.version.states import SWAPPABLE
from ragwright_core.index.versions import read_pointer, read_state

ATTEMPTS = 8


class StaleTermError(Exception):
    """Another swap came first, so that the state this swap was planned on is gone."""


class NotReadyError(Exception):
    """The version is not one that may answer questions: it failed, or is being dropped."""


@dataclass(frozen=True)
class Swapped:
    """A swap that is done: the duration of its transaction, and the number of attempts."""

    term: int
    milliseconds: float
    attempts: int


def swap(
    connect: Callable[[], psycopg.Connection[Any]],
    number: int,
    planned_on: int,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Swapped:
    """Make `number` the live version if the term is still `planned_on`.

    `connect` gives a prepared autocommit connection. A connection lost at COMMIT leaves the
    outcome unknown: the pointer is read again, and it says whether it was us.

    Raises StaleTermError when another swap came first, NotReadyError, and
    psycopg.OperationalError when the database stays away.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connect() as connection:
                began = time.monotonic()
                changed = _transaction(connection, number, planned_on)
                took = (time.monotonic() - began) * 1000
                live = read_pointer(connection)
        except psycopg.OperationalError:
            if attempt == ATTEMPTS:
                raise
            pause(random.uniform(0.1, 0.3) * attempt)
            continue
        if changed or (live.number, live.term) == (number, planned_on + 1):
            return Swapped(planned_on + 1, took, attempt)
        break
    raise StaleTermError(
        f"the swap to version {number} was planned on term {planned_on}; it is {live.term} now"
    )


def _transaction(connection: psycopg.Connection[Any], number: int, term: int) -> bool:
    with connection.transaction():
        connection.execute(queries.SHORT_LOCK_TIMEOUT)
        connection.execute(queries.SHORT_IDLE_TIMEOUT)
        done = connection.execute(queries.SWAP, {"number": number, "term": term})
        if done.rowcount == 0:
            return False
        # Read under the live row's lock, which clean-up takes too before it marks a version.
        state = read_state(connection, number)
        if state not in SWAPPABLE:
            raise NotReadyError(f"version {number} is {state}: only a ready or kept one is swapped")
        connection.execute(queries.MARK_SWAPPED, {"number": number})
        return True

"""The nearest chunks of one version that a filter leaves, never fewer than there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from psycopg.rows import args_row

from ragwright_core.filters import EVERYTHING, Filter
from ragwright_core.index.filter_queries import condition
from ragwright_core.index.fusion import Weights
from ragwright_core.index.vector_search import as_parameter, expect, search

Connection = psycopg.AsyncConnection[Any]

# Of 20,000 chunks of 384 dimensions, 1,000 that fit took 1.4 ms exactly and 10 ms by the ANN
# index, 2,000 took 4.7 and 5.6 ms, 4,000 took 10 and 4 ms (measured).
EXACT_ROWS = 2_000


@dataclass(frozen=True)
class Found:
    """A retrieved chunk, field by field a row of core's `search`; `score` is the cosine."""

    id: int
    source: str
    path: str
    url: str | None
    title: str
    first_line: int
    last_line: int
    text: str
    score: float

    @property
    def reference(self) -> str:
        """`path#L10-L42`, or the URL the document came with."""
        return self.url or f"{self.path}#L{self.first_line}-L{self.last_line}"


@dataclass(frozen=True)
class Words:
    """The words of a question, of the version's language, and what each search counts."""

    text: str
    language: str
    weights: Weights


@dataclass(frozen=True)
class Search:
    """What is near `vector`, and shares `words` where they are given: at most `limit` chunks that
    fit `filters`."""

    vector: NDArray[np.float32]
    limit: int
    filters: Filter = EVERYTHING
    words: Words | None = None


def is_exact_first(expected: int) -> bool:
    """Whether so few chunks fit that comparing all of them is quicker than the ANN index, which
    has to walk past the others."""
    return expected <= EXACT_ROWS


def is_short(found: int, limit: int) -> bool:
    """Whether the ANN index may have left chunks out: it gives up after `hnsw.max_scan_tuples`."""
    return found < limit


async def nearest(
    connection: Connection, number: int, dimensions: int, wanted: Search
) -> tuple[Found, ...]:
    """Raises psycopg.errors.UndefinedTable when the version was dropped."""
    parameters = {"vector": as_parameter(wanted.vector, dimensions), "limit": wanted.limit}
    if wanted.filters == EVERYTHING:
        return await _rows(connection, _unfiltered(number, dimensions), parameters)
    fits = condition(wanted.filters)
    parameters |= fits.parameters
    if not is_exact_first(await _expected(connection, expect(number, fits.sql), fits.parameters)):
        # Planned for these very values: a plan for any would not know how many chunks they leave.
        by_index = search(number, dimensions, fits.sql)
        found = await _rows(connection, by_index, parameters, prepare=False)
        if not is_short(len(found), wanted.limit):
            return found
    exact = search(number, dimensions, fits.sql, exact=True)
    return await _rows(connection, exact, parameters, prepare=False)


@lru_cache(maxsize=8)
def _unfiltered(number: int, dimensions: int) -> bytes:
    """Put together once for a version: it is what most questions are asked with."""
    return search(number, dimensions).as_bytes(None)


async def _expected(
    connection: Connection, explain: sql.Composed, parameters: Mapping[str, Any]
) -> int:
    row = await (await connection.execute(explain, parameters, prepare=False)).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])


async def _rows(
    connection: Connection,
    statement: sql.Composed | bytes,
    parameters: Mapping[str, Any],
    *,
    prepare: bool | None = None,
) -> tuple[Found, ...]:
    cursor = connection.cursor(row_factory=args_row(Found))
    rows = await (await cursor.execute(statement, parameters, prepare=prepare)).fetchall()
    return tuple(rows)

"""Search by meaning alone. Search by meaning and by words at once is in `text.py`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pgvector import HalfVector
from pgvector import Vector as PlainVector
from psycopg import sql
from psycopg.rows import class_row, scalar_row

from ragwright_core.index.search.filters import Condition
from ragwright_core.index.search.found import Found, Searched, Vector, columns
from ragwright_core.index.search.run import Statement
from ragwright_core.index.version.columns import LAYOUT, vector_type
from ragwright_core.names import chunks_table

_CHUNK = class_row(Found)


def nearest(
    version: Searched,
    question: Vector,
    limit: int,
    fits: Condition | None = None,
    *,
    exact: bool = False,
) -> Statement:
    """Nearest chunks by cosine, as Found; `exact` compares every chunk that fits."""
    parameters = {
        "vector": as_parameter(question, version.dimensions, version.layout),
        "limit": limit,
    }
    if fits is None:
        query = _unfiltered(version, exact=exact)
        return Statement(query, parameters, _CHUNK)
    # Not prepared: a plan for any values would not know how many chunks these values leave.
    filtered = search(version, fits.sql, exact=exact)
    return Statement(filtered, parameters | fits.parameters, _CHUNK, prepare=False)


def expected(version: Searched, fits: Condition) -> Statement:
    """Asks for a query plan, which says how many chunks the planner expects to fit."""
    return Statement(expect(version.number, fits.sql), fits.parameters, scalar_row, prepare=False)


def as_parameter(vector: Any, dimensions: int, layout: int = LAYOUT) -> PlainVector | HalfVector:
    """The vector in the type that a version of these dimensions and this layout uses."""
    is_plain = vector_type(dimensions, layout) == "vector"
    return PlainVector(vector) if is_plain else HalfVector(vector)


@lru_cache(maxsize=8)
def _unfiltered(version: Searched, *, exact: bool) -> bytes:
    """The query without a filter, composed once for each version: most questions use it."""
    return search(version, exact=exact).as_bytes(None)


def search(
    version: Searched, where: sql.Composable | None = None, *, exact: bool = False
) -> sql.Composed:
    """Parameters: vector, limit, and those of `where`."""
    # The ANN index serves only the bare distance, so a sum keeps the planner from using it.
    return sql.SQL(
        """
        SELECT {columns}, 1 - (embedding <=> %(vector)s::{type}) AS score
        FROM {table} WHERE {where}
        ORDER BY (embedding <=> %(vector)s::{type}) {exactly}
        LIMIT %(limit)s"""
    ).format(
        columns=columns(version.layout),
        table=sql.Identifier(chunks_table(version.number)),
        type=sql.SQL(vector_type(version.dimensions, version.layout)),
        where=where or sql.SQL("true"),
        exactly=sql.SQL("+ 0" if exact else ""),
    )


def expect(number: int, where: sql.Composable) -> sql.Composed:
    """Parameters: those of `where`."""
    return sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM {} WHERE {}").format(
        sql.Identifier(chunks_table(number)), where
    )

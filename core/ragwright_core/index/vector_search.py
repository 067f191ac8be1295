"""SQL of search by meaning alone. Search by meaning and by words at once is in `text_search.py`."""

from __future__ import annotations

from typing import Any

from pgvector import HalfVector, Vector
from psycopg import sql

from ragwright_core.index.tables import vector_type
from ragwright_core.names import chunks_table


def as_parameter(vector: Any, dimensions: int) -> Vector | HalfVector:
    """A vector in the type that a version of so many dimensions holds."""
    return Vector(vector) if vector_type(dimensions) == "vector" else HalfVector(vector)


def search(
    number: int, dimensions: int, where: sql.Composable | None = None, *, exact: bool = False
) -> sql.Composed:
    """Nearest chunks by cosine. Parameters: vector, limit, and those of `where`; `exact` compares
    every chunk that `where` leaves.

    Rows: id, source, path, url, title, first_line, last_line, text, score (1 is identical).
    """
    # The ANN index is for the bare distance, so that a sum keeps the planner from it.
    return sql.SQL(
        """
        SELECT id, source, path, url, title, first_line, last_line, text,
               1 - (embedding <=> %(vector)s::{type}) AS score
        FROM {table} WHERE {where}
        ORDER BY (embedding <=> %(vector)s::{type}) {exactly}
        LIMIT %(limit)s"""
    ).format(
        table=sql.Identifier(chunks_table(number)),
        type=sql.SQL(vector_type(dimensions)),
        where=where or sql.SQL("true"),
        exactly=sql.SQL("+ 0" if exact else ""),
    )


def expect(number: int, where: sql.Composable) -> sql.Composed:
    """The plan that tells how many chunks the planner expects to fit. Parameters: those of
    `where`."""
    return sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM {} WHERE {}").format(
        sql.Identifier(chunks_table(number)), where
    )

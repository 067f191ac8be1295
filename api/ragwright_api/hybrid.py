"""The best chunks by meaning and by words."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from ragwright_api.search import Found, Search, nearest
from ragwright_core.filters import EVERYTHING
from ragwright_core.index import text_search
from ragwright_core.index.filter_queries import condition
from ragwright_core.index.fusion import candidates

Connection = psycopg.AsyncConnection[Any]


async def best(
    connection: Connection, number: int, dimensions: int, wanted: Search
) -> tuple[Found, ...]:
    """Best first; without words, the nearest. Raises psycopg.errors.UndefinedTable when the version
    was dropped."""
    if wanted.words is None:
        return await nearest(connection, number, dimensions, wanted)
    more = replace(wanted, limit=candidates(wanted.limit))
    near = await nearest(connection, number, dimensions, more)
    fits, words = condition(wanted.filters), wanted.words
    parameters = text_search.parameters(
        dimensions, wanted.vector, words.text, words.language, more.limit
    )
    parameters |= {"near": [item.id for item in near], **fits.parameters}
    statement: sql.Composed | bytes
    if wanted.filters == EVERYTHING:
        statement, prepare = _unfiltered(number, dimensions), None
    else:  # its values decide the plan
        statement, prepare = text_search.beside(number, dimensions, fits.sql), False
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(statement, parameters, prepare=prepare)).fetchall()
    return tuple(Found(*row) for row in text_search.best(rows, words.weights, wanted.limit))


@lru_cache(maxsize=8)
def _unfiltered(number: int, dimensions: int) -> bytes:
    """Put together once for a version, as that of search by meaning alone."""
    return text_search.beside(number, dimensions).as_bytes(None)

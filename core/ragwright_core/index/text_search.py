"""SQL of search by meaning and by words at once. Search by meaning alone is in
`vector_search.py`.

Words are joined by OR: by AND, four of five natural questions find nothing (measured).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from ragwright_core.index.fusion import Candidate, Weights, fuse
from ragwright_core.index.tables import vector_type
from ragwright_core.index.vector_search import as_parameter
from ragwright_core.names import chunks_table, lexemes_table

Row = tuple[Any, ...]

# Chunks in which a question's words may be looked at, rarest words first: each costs some
# microseconds, and a word that stands everywhere tells nothing.
MOST_CHUNKS = 20_000


def create_lexemes(number: int) -> sql.Composed:
    """In how many chunks each lexeme stands. One statement, so that it is there whole or not."""
    return sql.SQL(
        """
        CREATE TABLE IF NOT EXISTS {lexemes} AS
        SELECT lexeme, count(*)::integer AS chunks FROM {chunks}, unnest(lexemes) GROUP BY lexeme"""
    ).format(lexemes=_lexemes(number), chunks=_chunks(number))


def index_lexemes(number: int) -> sql.Composed:
    return sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (lexeme)").format(
        sql.Identifier(f"{lexemes_table(number)}_lexeme"), _lexemes(number)
    )


def create_text_index(number: int) -> sql.Composed:
    return sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING gin (lexemes)").format(
        sql.Identifier(f"{chunks_table(number)}_lexemes"), _chunks(number)
    )


def index_ids(number: int) -> sql.Composed:
    """By which `beside` looks up what search by meaning has found."""
    return sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (id)").format(
        sql.Identifier(f"{chunks_table(number)}_id"), _chunks(number)
    )


def analyze_lexemes(number: int) -> sql.Composed:
    return sql.SQL("ANALYZE {}").format(_lexemes(number))


def beside(number: int, dimensions: int, where: sql.Composable | None = None) -> sql.Composed:
    """The best candidates by words, and beside them the chunks `near` that search by meaning has
    found. Parameters: vector, language, text, most, candidates, near (ids), and those of `where`.

    Rows, by id: as of `vector_search.search`, then the rank by words, 0 where none is shared, and
    the chunk's position in its document. `best` puts them in order.
    """
    return sql.SQL(
        r"""
        WITH words AS MATERIALIZED (
            SELECT lexeme, sum(chunks) OVER (ORDER BY chunks, lexeme) AS reach
            FROM unnest(to_tsvector(%(language)s::regconfig, %(text)s))
            JOIN {lexemes} USING (lexeme)
        ), question AS MATERIALIZED (
            SELECT string_agg(
                '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | '
            )::tsquery AS words
            FROM words WHERE reach <= %(most)s
        ), lexical AS (
            SELECT id FROM {chunks}
            WHERE lexemes @@ (SELECT words FROM question) AND {where}
            ORDER BY ts_rank(lexemes, (SELECT words FROM question)) DESC, id LIMIT %(candidates)s
        )
        SELECT id, source, path, url, title, first_line, last_line, text,
               1 - (embedding <=> %(vector)s::{type}) AS score,
               coalesce(ts_rank(lexemes, (SELECT words FROM question)), 0) AS lexical, position
        FROM {chunks} WHERE id = ANY (ARRAY(TABLE lexical) || %(near)s::bigint[])
        ORDER BY id"""
    ).format(
        lexemes=_lexemes(number),
        chunks=_chunks(number),
        where=where or sql.SQL("true"),
        type=sql.SQL(vector_type(dimensions)),
    )


def best(rows: Sequence[Row], weights: Weights, limit: int) -> list[Row]:
    """Of the rows of `beside` the best, best first, each as a row of `vector_search.search`."""
    found = [
        Candidate(document=(source, path), position=position, cosine=cosine, rank=rank)
        for _, source, path, *_, cosine, rank, position in rows
    ]
    return [rows[at][:-2] for at in fuse(found, weights)[:limit]]


def parameters(
    dimensions: int, vector: NDArray[np.float32], text: str, language: str, limit: int
) -> dict[str, Any]:
    """Of `beside`, but for `near` and those of its condition; `limit` is how many candidates by
    words are taken."""
    return {
        "vector": as_parameter(vector, dimensions),
        "language": f"pg_catalog.{language}",
        "text": text,
        "most": MOST_CHUNKS,
        "candidates": limit,
    }


def _chunks(number: int) -> sql.Identifier:
    return sql.Identifier(chunks_table(number))


def _lexemes(number: int) -> sql.Identifier:
    return sql.Identifier(lexemes_table(number))

"""Search by meaning and by words at once. Search by meaning alone is in `vector.py`.

Words are joined by OR: with AND, four of five natural questions find nothing (measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from psycopg import sql
from psycopg.rows import DictRow, dict_row

from ragwright_core.index.search.filters import Condition
from ragwright_core.index.search.found import Found, Searched, Vector, Wanted, columns
from ragwright_core.index.search.fusion import Candidate, Weights, candidates, fuse
from ragwright_core.index.search.run import Statement
from ragwright_core.index.search.vector import as_parameter
from ragwright_core.index.version.columns import vector_type
from ragwright_core.names import chunks_table, lexemes_table

# The most chunks that are ranked for a question's words, rarest words first: each chunk costs some
# microseconds, and a word that is everywhere distinguishes nothing.
MOST_CHUNKS = 20_000


def beside(
    version: Searched,
    wanted: Wanted,
    question: Vector,
    near: Sequence[int],
    fits: Condition | None = None,
) -> Statement:
    """The best candidates by words, together with those that search by meaning has found (their ids
    are `near`). A row holds the fields of Found, the rank by words (0 if it shares no word with the
    question), and the chunk's position in its document."""
    parameters = {
        "vector": as_parameter(question, version.dimensions, version.layout),
        "language": f"pg_catalog.{version.language}",
        "text": wanted.question,
        "most": MOST_CHUNKS,
        "candidates": candidates(wanted.top_k),
        "near": near,
    }
    if fits is None:
        return Statement(_unfiltered(version), parameters, dict_row)
    # Not prepared, because the best plan depends on the filter's values.
    filtered = search(version, fits.sql)
    return Statement(filtered, parameters | fits.parameters, dict_row, prepare=False)


def ordered(rows: Sequence[DictRow], weights: Weights) -> Iterator[Found]:
    """Best first. A Found is made only when it is taken, because of some 70 rows only topK are
    needed (saves 0.2 ms, measured)."""
    found = [
        Candidate((row["source"], row["path"]), row["position"], row["score"], row["rank"])
        for row in rows
    ]
    return (Found.of(rows[at]) for at in fuse(found, weights))


@lru_cache(maxsize=8)
def _unfiltered(version: Searched) -> bytes:
    """The query without a filter, composed once for each version."""
    return search(version).as_bytes(None)


def search(version: Searched, where: sql.Composable | None = None) -> sql.Composed:
    """Parameters: vector, language, text, most, candidates, near, and those of `where`."""
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
        SELECT {columns}, 1 - (embedding <=> %(vector)s::{type}) AS score,
               coalesce(ts_rank(lexemes, (SELECT words FROM question)), 0) AS rank, position
        FROM {chunks} WHERE id = ANY (ARRAY(TABLE lexical) || %(near)s::bigint[])
        ORDER BY id"""
    ).format(
        columns=columns(version.layout),
        lexemes=sql.Identifier(lexemes_table(version.number)),
        chunks=sql.Identifier(chunks_table(version.number)),
        where=where or sql.SQL("true"),
        type=sql.SQL(vector_type(version.dimensions, version.layout)),
    )

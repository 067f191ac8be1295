"""SQL of the internal port."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.index.version.states import SWAPPABLE, UNDER_WAY, listed
from ragwright_core.names import chunks_table, documents_table

SUMMARY: LiteralString = """
    SELECT live.term, coalesce(live.swapped_at, version.started_at) AS swapped_at,
           version.number, version.descriptor, version.documents, version.chunks
    FROM live LEFT JOIN index_version AS version USING (number)"""

OTHERS = sql.SQL(
    """
    SELECT version.number, state, descriptor, chunks, version.swapped_at
    FROM index_version AS version
    WHERE state = ANY ({states})
      AND version.number IS DISTINCT FROM (SELECT number FROM live)
    ORDER BY version.number DESC LIMIT 50"""
).format(states=listed(SWAPPABLE))

HAS_ARRIVED = sql.SQL(
    """
    SELECT 1 FROM index_version
    WHERE number = %(number)s AND id = %(id)s AND state = ANY ({states})"""
).format(states=listed(SWAPPABLE))

CALLS: LiteralString = "SELECT made, saved FROM calls"

ADD_CALLS: LiteralString = "UPDATE calls SET made = made + %(made)s, saved = saved + %(saved)s"

# A time in the future is of a clock that was wrong, and holds nobody up.
RAISE_EPOCH_IF_DUE: LiteralString = """
    UPDATE live SET epoch = epoch + 1, invalidated_at = clock_timestamp()
    WHERE invalidated_at IS NULL OR invalidated_at NOT BETWEEN
        clock_timestamp() - make_interval(secs => %(apart)s) AND clock_timestamp()
    RETURNING epoch"""

SECONDS_UNTIL_DUE: LiteralString = """
    SELECT extract(epoch FROM invalidated_at - clock_timestamp())::float8 + %(apart)s FROM live"""

# The latest calls come first, each once. A repeated one writes nothing and returns no row.
WRITE_PUSH: LiteralString = """
    INSERT INTO push AS known (source, word, latest, pushed_at)
    VALUES (%(source)s, gen_random_uuid(), ARRAY[%(call)s], clock_timestamp())
    ON CONFLICT (source) DO UPDATE
    SET word = excluded.word, pushed_at = excluded.pushed_at,
        latest = (excluded.latest || known.latest)[:%(known)s]
    WHERE NOT known.latest @> excluded.latest
    RETURNING word"""

PUSHES: LiteralString = "SELECT source, word::text FROM push ORDER BY pushed_at DESC LIMIT 20"

BUILDING = sql.SQL(
    """
    SELECT number, documents, loaded_at IS NOT NULL AS loaded
    FROM index_version WHERE state = ANY ({states}) ORDER BY number DESC LIMIT 1"""
).format(states=listed(UNDER_WAY))


def done(number: int) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {} WHERE state <> 'pending'").format(
        sql.Identifier(documents_table(number))
    )


def has_chunks(number: int) -> sql.Composed:
    return sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(chunks_table(number)))

"""SQL of the internal port, and of what it tells."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.names import chunks_table, documents_table

SUMMARY: LiteralString = """
    SELECT live.term, coalesce(live.swapped_at, version.started_at) AS swapped_at,
           version.number, version.descriptor, version.documents, version.chunks
    FROM live LEFT JOIN index_version AS version USING (number)"""

OTHERS: LiteralString = """
    SELECT version.number, state, descriptor, chunks, version.swapped_at
    FROM index_version AS version
    WHERE state IN ('ready', 'kept', 'live')
      AND version.number IS DISTINCT FROM (SELECT number FROM live)
    ORDER BY version.number DESC LIMIT 50"""

IS_WHOLE: LiteralString = """
    SELECT 1 FROM index_version
    WHERE number = %(number)s AND id = %(id)s AND state IN ('ready', 'live', 'kept')"""

HAS_TABLES: LiteralString = """
    SELECT to_regclass('chunks_v' || number) IS NOT NULL
       AND to_regclass('documents_v' || number) IS NOT NULL
       AND (to_regclass('lexemes_v' || number) IS NOT NULL
            OR coalesce(descriptor ->> 'language', '') = '')
    FROM index_version WHERE number = %(number)s"""

CALLS: LiteralString = "SELECT made, saved FROM calls"

ADD_CALLS: LiteralString = "UPDATE calls SET made = made + %(made)s, saved = saved + %(saved)s"

BUILDING: LiteralString = """
    SELECT number, documents, loaded_at IS NOT NULL AS loaded
    FROM index_version WHERE state IN ('building', 'ready') ORDER BY number DESC LIMIT 1"""


def done(number: int) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {} WHERE state <> 'pending'").format(
        sql.Identifier(documents_table(number))
    )


def has_chunks(number: int) -> sql.Composed:
    return sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(chunks_table(number)))

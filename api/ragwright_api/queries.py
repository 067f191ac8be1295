"""SQL of the internal port."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.names import documents_table

SUMMARY: LiteralString = """
    SELECT live.term, live.swapped_at, version.number, version.descriptor, version.documents,
           version.chunks
    FROM live LEFT JOIN index_version AS version USING (number)"""

PREVIOUS: LiteralString = "SELECT max(number) FROM index_version WHERE state = 'kept'"

BUILDING: LiteralString = """
    SELECT number, documents, loaded_at IS NOT NULL AS loaded
    FROM index_version WHERE state IN ('building', 'ready') ORDER BY number DESC LIMIT 1"""


def done(number: int) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {} WHERE state <> 'pending'").format(
        sql.Identifier(documents_table(number))
    )

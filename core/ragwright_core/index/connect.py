"""Database connections as every room needs them."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from pgvector.psycopg import register_vector, register_vector_async
from psycopg import sql

# Keepalives free a dead pod's claims: 30 s idle, then 3 probes 10 s apart.
CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    # A URI may name several servers: only the primary takes writes and knows what is live.
    "target_session_attrs": "primary",
}

_VECTOR_SCHEMA: LiteralString = """
    SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'vector'"""
_ITERATIVE_SCAN: LiteralString = "SET hnsw.iterative_scan = strict_order"


def _set_search_path(schema: str, vector_schema: str) -> sql.Composed:
    return sql.SQL("SET search_path TO {}, {}").format(
        sql.Identifier(schema), sql.Identifier(vector_schema)
    )


def prepare(connection: psycopg.Connection[Any], schema: str) -> None:
    """Set the search path and pgvector's types. The connection must be in autocommit.

    Raises LookupError when the database has no pgvector.
    """
    row = connection.execute(_VECTOR_SCHEMA).fetchone()
    if row is None:
        raise LookupError("the database has no extension named vector")
    connection.execute(_set_search_path(schema, row[0]))
    register_vector(connection)
    connection.execute(_ITERATIVE_SCAN)


async def prepare_async(connection: psycopg.AsyncConnection[Any], schema: str) -> None:
    """As `prepare`, for the API's pool (its `configure` callback)."""
    row = await (await connection.execute(_VECTOR_SCHEMA)).fetchone()
    if row is None:
        raise LookupError("the database has no extension named vector")
    await connection.execute(_set_search_path(schema, row[0]))
    await register_vector_async(connection)
    await connection.execute(_ITERATIVE_SCAN)

"""Settings of a database connection that all programs share."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql

# Keepalives end a dead pod's session, and with it its claims: 30 s idle, then 3 probes 10 s apart.
CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    # A URI may name several servers; only the primary takes writes and knows which version is live.
    "target_session_attrs": "primary",
    # Else a setting of the role, or PGCLIENTENCODING, decides which texts can be sent.
    "client_encoding": "utf8",
}

_VECTOR_SCHEMA: LiteralString = """
    SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'vector'"""


class NoVectorError(LookupError):
    """The database has no pgvector yet."""


def settings(schema: str, vector_schema: str, *, local: bool = False) -> sql.Composed:
    """Statements that set the search path, let an ANN scan with a filter go on until it has found
    enough, and name the schema to whoever looks at the server's sessions. `local` limits them to
    the transaction, else they last for the session."""
    return sql.SQL(
        "SET {scope} search_path TO {schema}, {vector}; "
        "SET {scope} hnsw.iterative_scan = strict_order; "
        "SET {scope} application_name TO {schema}"
    ).format(
        scope=sql.SQL("LOCAL" if local else "SESSION"),
        schema=sql.Identifier(schema),
        vector=sql.Identifier(vector_schema),
    )


def prepare(connection: psycopg.Connection[Any], schema: str) -> None:
    """Set the search path and pgvector's types. The connection must be in autocommit.

    Raises NoVectorError when the database has no pgvector.
    """
    connection.execute(settings(schema, _found(connection.execute(_VECTOR_SCHEMA).fetchone())))
    register_vector(connection)


async def vector_schema(connection: psycopg.AsyncConnection[Any]) -> str:
    """The schema of pgvector's types. Raises NoVectorError when the database has no pgvector."""
    return _found(await (await connection.execute(_VECTOR_SCHEMA)).fetchone())


def _found(row: tuple[Any, ...] | None) -> str:
    if row is None:
        raise NoVectorError("the database has no extension named vector")
    return str(row[0])

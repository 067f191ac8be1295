"""Connections for Jobs."""

from __future__ import annotations

from typing import Any

import psycopg

from ragwright_core.handover import Identity
from ragwright_core.index import connect
from ragwright_core.index.layout import ensure_extension, ensure_layout
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest import queries

Connection = psycopg.Connection[Any]


def open_database(url: str, identity: Identity) -> tuple[Connection, tuple[int, ...]]:
    """A connection whose schema exists, is migrated and is ours; and pgvector's version.

    Raises ProblemError, DATABASE_UNAVAILABLE included.
    """
    connection = connect_plain(url)
    try:
        connection.execute(queries.SESSION)
        version = ensure_extension(connection)
        ensure_layout(connection, identity)
    except BaseException:
        connection.close()
        raise
    return connection, version


def connect_plain(url: str) -> Connection:
    """A connection as it comes. Raises ProblemError(DATABASE_UNAVAILABLE)."""
    try:
        return psycopg.connect(url, autocommit=True, **connect.CONNECT_OPTIONS)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        # Without its cause: libpq repeats a malformed URL, password and all.
        raise ProblemError(Reason.DATABASE_UNAVAILABLE, unavailable(error)) from None


def reconnect(url: str, identity: Identity) -> Connection:
    """A further connection to a schema that exists."""
    connection = psycopg.connect(url, autocommit=True, **connect.CONNECT_OPTIONS)
    connect.prepare(connection, identity.names.schema)
    return connection


_STANDBY = "it takes no writes: it is a standby, or set read-only; name the primary"
_CAUSES = {
    "password authentication failed": "it refuses the password",
    "does not exist": "the role or database in the URL does not exist",
    "Connection refused": "nothing listens there",
    "could not translate host name": "its host name is not known",
    "failed to resolve host": "its host name is not known",
    "timeout": "it did not answer in 5 s",
    "missing": "the URL is not a valid postgresql:// URI",
    "server closed the connection": "it closed the connection",
    "terminating connection": "it closed the connection",
    "too many clients": "it has no connection left",
    "too many connections": "it has no connection left for this role or database",
    "read-only": _STANDBY,
    "hot standby": _STANDBY,
}


def unavailable(error: psycopg.Error) -> str:
    """Why the database cannot be had or cannot go on, without what a URL may hold."""
    if error.sqlstate and error.sqlstate.startswith("53"):
        return (
            f"the database lacks resources: {error.diag.message_primary}. Give it more disk, "
            "memory or connections; it is tried again"
        )
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return (
            "a session of another program holds a view or table of the pipeline for minutes; end "
            "its transaction (pg_stat_activity shows it); it is tried again"
        )
    text = str(error)
    cause = next((words for sign, words in _CAUSES.items() if sign in text), type(error).__name__)
    return f"the database cannot be reached: {cause}. Check the Secret in database.secretRef"

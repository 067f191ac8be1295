"""Connections for Jobs."""

from __future__ import annotations

from typing import Any

import psycopg

from ragwright_core.handover import Identity
from ragwright_core.index import connect
from ragwright_core.index.layout import ensure_extension, ensure_layout
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason

Connection = psycopg.Connection[Any]


def open_database(url: str, identity: Identity) -> tuple[Connection, tuple[int, ...]]:
    """A connection whose schema exists, is migrated and is ours; and pgvector's version.

    Raises ProblemError, DATABASE_UNAVAILABLE included.
    """
    try:
        connection = psycopg.connect(url, autocommit=True, **connect.CONNECT_OPTIONS)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise ProblemError(Reason.DATABASE_UNAVAILABLE, unavailable(error)) from None
    try:
        version = ensure_extension(connection)
        ensure_layout(connection, identity)
    except BaseException:
        connection.close()
        raise
    return connection, version


def reconnect(url: str, identity: Identity) -> Connection:
    """A further connection to a schema that exists."""
    connection = psycopg.connect(url, autocommit=True, **connect.CONNECT_OPTIONS)
    connect.prepare(connection, identity.names.schema)
    return connection


def unavailable(error: Exception) -> str:
    """Why the database cannot be had, without what a URL may hold."""
    known = {
        "password authentication failed": "it refuses the password",
        "does not exist": "the role or database in the URL does not exist",
        "Connection refused": "nothing listens there",
        "could not translate host name": "its host name is not known",
        "failed to resolve host": "its host name is not known",
        "timeout": "it did not answer in 5 s",
        "missing": "the URL is not a valid postgresql:// URI",
    }
    text = str(error)
    cause = next((words for sign, words in known.items() if sign in text), type(error).__name__)
    return f"the database cannot be reached: {cause}. Check the Secret in database.secretRef"

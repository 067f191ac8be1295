"""Connections for Jobs."""

from __future__ import annotations

from typing import Any

import psycopg

from ragwright_core.index import connect
from ragwright_core.index.layout import (
    OwnedElsewhereError,
    ensure_extension,
    ensure_layout,
    require_utf8,
)
from ragwright_core.names import Identity
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import ADOPT_ANNOTATION
from ragwright_ingest import queries
from ragwright_ingest.refusals import unavailable
from ragwright_ingest.surroundings import DEFAULT_CUT_OFF, CutOff

Connection = psycopg.Connection[Any]


def open_database(
    url: str, identity: Identity, cut_off: CutOff = DEFAULT_CUT_OFF
) -> tuple[Connection, tuple[int, ...]]:
    """A connection whose schema exists, is migrated and is ours, and pgvector's version.

    Raises ProblemError, also for DATABASE_UNAVAILABLE.
    """
    connection = connect_plain(url)
    try:
        connection.execute(queries.session(cut_off))
        require_utf8(connection)
        version = ensure_extension(connection)
        ensure_layout(connection, identity)
    except OwnedElsewhereError as error:
        connection.close()
        raise ProblemError(Reason.SCHEMA_OWNED, _owned(identity, error.uid)) from None
    except BaseException:
        connection.close()
        raise
    return connection, version


def connect_plain(url: str) -> Connection:
    """A connection that is not prepared. Raises ProblemError(DATABASE_UNAVAILABLE)."""
    try:
        return psycopg.connect(url, autocommit=True, **connect.CONNECT_OPTIONS)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        # Without the cause, because libpq repeats a malformed URL with its password.
        raise ProblemError(Reason.DATABASE_UNAVAILABLE, unavailable(error)) from None


def reconnect(url: str, identity: Identity) -> Connection:
    """Another connection, to a schema that exists already."""
    connection = psycopg.connect(url, autocommit=True, **connect.CONNECT_OPTIONS)
    connect.prepare(connection, identity.names.schema)
    return connection


def _owned(identity: Identity, uid: str) -> str:
    return (
        f"schema {identity.names.schema} belongs to a pipeline of another cluster. To take it "
        f"over: kubectl -n {identity.namespace} annotate rag {identity.name} "
        f"{ADOPT_ANNOTATION}={uid}"
    )

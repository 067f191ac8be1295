"""The pipeline's schema: extension, migrations, owner. All DDL runs under advisory locks."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from ragwright_core.index import connect, locks, queries
from ragwright_core.index.migrations import MIGRATIONS
from ragwright_core.names import Identity
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason

OLDEST_PGVECTOR = (0, 8, 0)
# CVE-2026-3172 affects parallel HNSW builds below this version; distributions may patch it without
# a new number.
PARALLEL_PGVECTOR = (0, 8, 2)


class OwnedElsewhereError(Exception):
    """A pipeline of another cluster owns the schema; `uid` is that pipeline's."""

    def __init__(self, uid: str) -> None:
        super().__init__(f"the schema belongs to a pipeline of another cluster, {uid}")
        self.uid = uid


def require_utf8(connection: psycopg.Connection[Any]) -> None:
    """Another encoding would refuse every document that holds a character it does not know."""
    row = connection.execute(queries.ENCODING).fetchone()
    if row is not None and row[0] != "UTF8":
        database = connection.info.dbname
        raise ProblemError(
            Reason.DATABASE_ENCODING,
            f"the encoding of database {database} is {row[0]}, which cannot hold every text. Make "
            "another one and name it in database.secretKeyRef: CREATE DATABASE ... ENCODING 'UTF8' "
            "TEMPLATE template0;",
        )


def ensure_extension(connection: psycopg.Connection[Any]) -> tuple[int, ...]:
    """Install pgvector if it is missing, and return its version as numbers."""
    with locks.advisory_lock(connection, locks.EXTENSION):
        version = _extension_version(connection)
        if version is None:
            try:
                connection.execute(queries.CREATE_EXTENSION)
            except psycopg.Error as error:
                raise ProblemError(Reason.EXTENSION_MISSING, _missing(error)) from error
            version = _extension_version(connection)
    assert version is not None
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if numbers < OLDEST_PGVECTOR:
        raise ProblemError(
            Reason.EXTENSION_TOO_OLD,
            f"pgvector is {version}; 0.8.0 or newer is needed. As administrator, after an upgrade "
            "of the package: ALTER EXTENSION vector UPDATE;",
        )
    return numbers


def _extension_version(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute(queries.EXTENSION_VERSION).fetchone()
    return None if row is None else str(row[0])


def _missing(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            "the database has no extension vector and this role may not create it. "
            "As administrator, in this database: CREATE EXTENSION vector;"
        )
    return (
        "the database server does not know the extension vector. Install pgvector 0.8.2 or newer "
        "on the server, then, in this database: CREATE EXTENSION vector;"
    )


def ensure_layout(connection: psycopg.Connection[Any], identity: Identity) -> None:
    """Create or migrate the schema, take ownership of it, and prepare the connection. Raises
    ProblemError and OwnedElsewhereError."""
    schema = identity.names.schema
    with locks.advisory_lock(connection, locks.of_layout(schema)):
        if connection.execute(queries.HAS_SCHEMA, [schema]).fetchone() is None:
            _create_schema(connection, schema)
        connect.prepare(connection, schema)
        with connection.transaction():
            _migrate(connection, schema)
            _own(connection, identity)


def _create_schema(connection: psycopg.Connection[Any], schema: str) -> None:
    try:
        connection.execute(queries.create_schema(schema))
    except psycopg.errors.InsufficientPrivilege:
        user, database = connection.info.user, connection.info.dbname
        raise ProblemError(
            Reason.DATABASE_FORBIDDEN,
            f"role {user} may not create a schema in database {database}. As administrator: "
            f'CREATE SCHEMA "{schema}" AUTHORIZATION "{user}";',
        ) from None


def _migrate(connection: psycopg.Connection[Any], schema: str) -> None:
    row = connection.execute(queries.HAS_LAYOUT, {"schema": schema}).fetchone()
    current = 0
    if row is not None:
        current = connection.execute(queries.LAYOUT_VERSION).fetchone()[0]  # type: ignore[index]
    if current > len(MIGRATIONS):
        raise ProblemError(
            Reason.LAYOUT_TOO_NEW,
            f"schema {schema} has layout {current}, this program knows {len(MIGRATIONS)}. "
            "Upgrade Ragwright to the version that last wrote it.",
        )
    for version, statements in enumerate(MIGRATIONS[current:], start=current + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(queries.RECORD_LAYOUT, [version])


def _own(connection: psycopg.Connection[Any], identity: Identity) -> None:
    """Take ownership. A name is unique in a cluster, so another uid in the same cluster means that
    the pipeline was deleted and made again."""
    owner = connection.execute(queries.READ_OWNER).fetchone()
    if owner is not None and owner[0] != identity.cluster and owner[1] != identity.adopt:
        raise OwnedElsewhereError(owner[1])
    connection.execute(queries.WRITE_OWNER, {"cluster": identity.cluster, "uid": identity.uid})

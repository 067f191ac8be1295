"""After a pipeline's deletion: its schema and its keys in Redis."""

from __future__ import annotations

import psycopg
import redis

from ragwright_core.handover import CleanupOrder, Identity
from ragwright_core.index import queries
from ragwright_core.index.views import TRIES, with_lock_retries
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.database import Connection, connect_plain
from ragwright_ingest.purge import purge_all


def clean_up(
    order: CleanupOrder, database_url: str, cache: redis.Redis | None, *, tries: int = TRIES
) -> Report:
    """Safe to run again. Raises ProblemError when the database is away or a reader stays.

    A schema that a pipeline of the same name has taken over since is left alone.
    """
    schema = order.pipeline.names.schema
    with connect_plain(database_url) as connection:
        try:
            ours = _is_ours(connection, order.pipeline)
            if ours:
                drop_schema(connection, schema, tries)
        except psycopg.errors.LockNotAvailable:
            raise ProblemError(
                Reason.DATABASE_UNAVAILABLE,
                f"a reader holds schema {schema}; end its transaction; it is tried again",
            ) from None
    if not ours:
        taken = f"schema {schema} belongs to another pipeline by now and was left alone"
        return Report(outcome="cleaned", warnings=[taken])
    warning = purge_all(cache, schema)
    return Report(outcome="cleaned", warnings=[warning] if warning else [])


def _is_ours(connection: Connection, identity: Identity) -> bool:
    """Whether the schema is this pipeline's, or there is none (any more)."""
    schema = identity.names.schema
    try:
        owner = connection.execute(queries.owner_of(schema)).fetchone()
    except psycopg.errors.UndefinedTable:
        return True
    return owner is None or owner == (identity.cluster, identity.uid)


def drop_schema(connection: Connection, schema: str, tries: int) -> None:
    """With all it holds. Raises LockNotAvailable when a reader stays."""

    def drop() -> None:
        with connection.transaction():
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            if connection.execute(queries.HAS_SCHEMA, [schema]).fetchone():
                connection.execute(queries.drop_schema(schema))

    with_lock_retries(drop, tries=tries)

"""After a pipeline's deletion: its schema and its keys in Redis."""

from __future__ import annotations

import psycopg
import redis
from psycopg import sql

from ragwright_core.handover import CleanupOrder
from ragwright_core.index import connect
from ragwright_core.index.queries import SHORT_LOCK_TIMEOUT
from ragwright_core.index.views import with_lock_retries
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.database import unavailable
from ragwright_ingest.purge import purge_all


def clean_up(order: CleanupOrder, database_url: str, cache: redis.Redis | None) -> Report:
    """Safe to run again. Raises ProblemError when the database is away or a reader stays."""
    schema = order.pipeline.names.schema
    try:
        with psycopg.connect(
            database_url, autocommit=True, **connect.CONNECT_OPTIONS
        ) as connection:
            _drop_schema(connection, schema)
    except psycopg.errors.LockNotAvailable:
        raise ProblemError(
            Reason.DATABASE_UNAVAILABLE, f"a reader holds schema {schema}; it is tried again"
        ) from None
    except psycopg.OperationalError as error:
        raise ProblemError(Reason.DATABASE_UNAVAILABLE, unavailable(error)) from None
    warning = purge_all(cache, schema)
    return Report(outcome="cleaned", warnings=[warning] if warning else [])


def _drop_schema(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> None:
    def drop() -> None:
        with connection.transaction():
            connection.execute(SHORT_LOCK_TIMEOUT)
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )

    with_lock_retries(drop)

"""`ragwright-ingest cleanup`: deletes a deleted pipeline's schema and its keys in Redis."""

from __future__ import annotations

import psycopg

from ragwright_core.index.views import TRIES
from ragwright_core.orders import CleanupOrder
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.database import connect_plain
from ragwright_ingest.publishing.purge import purge_all
from ragwright_ingest.removal.schema import drop_schema
from ragwright_ingest.surroundings import Surroundings


def clean_up(order: CleanupOrder, around: Surroundings, *, tries: int = TRIES) -> Report:
    """Safe to run again. Raises ProblemError when the database is away or a reader does not end.

    The schema is left alone if a new pipeline of the same name has taken it over.
    """
    schema, stores = order.pipeline.names.schema, around.stores
    warnings = list(stores.warnings)
    with connect_plain(stores.database_url) as connection:
        owner = order.pipeline.cluster, order.pipeline.uid
        try:
            gone = drop_schema(connection, schema, owner, tries=tries)
        except psycopg.errors.LockNotAvailable:
            raise ProblemError(
                Reason.DATABASE_UNAVAILABLE,
                f"a reader holds schema {schema}; end its transaction; it is tried again",
            ) from None
    if not gone:
        taken = f"schema {schema} belongs to another pipeline by now and was left alone"
        return Report(outcome="cleaned", warnings=[*warnings, taken])
    if warning := purge_all(stores.cache(), schema):
        warnings.append(warning)
    return Report(outcome="cleaned", warnings=warnings)

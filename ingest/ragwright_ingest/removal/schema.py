"""A pipeline's schema: drops it, if it still belongs to whom it should belong to."""

from __future__ import annotations

from ragwright_core.index import locks, queries
from ragwright_core.index.views import TRIES, with_lock_retries
from ragwright_ingest.database import Connection

# A cluster, and a pipeline's uid.
Owner = tuple[str, str]


def drop_schema(connection: Connection, schema: str, owner: Owner, *, tries: int = TRIES) -> bool:
    """Drop the schema with its content, and return whether it is gone: it is left if it belongs to
    somebody else by now. Raises LockNotAvailable when a reader does not end.

    The owner is read in the transaction that drops, under the lock under which a new pipeline takes
    a schema over: it may do so between two tries.
    """
    gone = True

    def drop() -> None:
        nonlocal gone
        with (
            locks.advisory_lock(connection, locks.of_layout(schema)),
            connection.transaction(),
        ):
            connection.execute(queries.SHORT_LOCK_TIMEOUT)
            gone = _belongs_to(connection, schema, owner)
            if gone:
                connection.execute(queries.drop_schema(schema))

    with_lock_retries(drop, tries=tries)
    return gone


def _belongs_to(connection: Connection, schema: str, owner: Owner) -> bool:
    """Also true of a schema that does not exist (any more), or was made and never taken."""
    if connection.execute(queries.HAS_OWNER, {"schema": schema}).fetchone() is None:
        return True
    return connection.execute(queries.owner_of(schema)).fetchone() in (None, owner)

"""Named advisory locks in the database. A process holds one while it changes something shared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ragwright_core.index import queries

EXTENSION = "ragwright extension"
# Index builds use the server's memory, so a database runs one at a time.
INDEX_BUILD = "ragwright index build"


def of_layout(schema: str) -> str:
    return f"ragwright layout {schema}"


def of_bootstrap(schema: str) -> str:
    """The lock to hold while beginning a version of this schema."""
    return f"ragwright bootstrap {schema}"


def of_views(schema: str) -> str:
    """The lock to hold while writing this schema's stable views, or dropping tables under them."""
    return f"ragwright views {schema}"


@contextmanager
def advisory_lock(connection: psycopg.Connection[Any], name: str) -> Iterator[None]:
    """Hold a session lock on `name` within this database, after waiting for its holder."""
    connection.execute(queries.ADVISORY_LOCK, {"name": name})
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(queries.ADVISORY_UNLOCK, {"name": name})

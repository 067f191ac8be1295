"""The pool, and what the service reads: the pointer, chunks, and numbers for the internal port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector, Vector
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ragwright_api import queries
from ragwright_api.lease import Lease, LiveVersion
from ragwright_core.index import connect
from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.queries import RAISE_EPOCH, READ_LIVE, search, vector_type
from ragwright_core.report import Building, IndexSummary, LiveIndex

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

POOL_SIZE = 8
CONNECTION_WAIT_SECONDS = 2.0

UNAVAILABLE = (psycopg.OperationalError, PoolTimeout, OSError)


@dataclass(frozen=True)
class Found:
    """A retrieved chunk; `score` is the cosine, 1 is identical."""

    id: int
    source: str
    path: str
    url: str | None
    title: str
    first_line: int
    last_line: int
    text: str
    score: float

    @property
    def reference(self) -> str:
        """`path#L10-L42`, or the URL the document came with."""
        return self.url or f"{self.path}#L{self.first_line}-L{self.last_line}"


def make_pool(conninfo: Callable[[], str], schema: str) -> Pool:
    """A pool that reads its URL anew for each connection, and gives up a dead one at once."""

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        await connect.prepare_async(connection, schema)

    return AsyncConnectionPool(
        conninfo,
        kwargs={**connect.CONNECT_OPTIONS, "autocommit": True},
        configure=configure,
        min_size=1,
        max_size=POOL_SIZE,
        timeout=CONNECTION_WAIT_SECONDS,
        # Longer, its growing pauses would outlast a short outage of the database.
        reconnect_timeout=1.0,
        open=False,
    )


class Database:
    """Reads of one pipeline's schema. Methods raise one of UNAVAILABLE when the primary is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with self._pool.connection() as connection:
            yield connection

    async def read_lease(self) -> Lease:
        async with self._connection() as connection:
            try:
                cursor = connection.cursor(row_factory=dict_row)
                row = await (await cursor.execute(READ_LIVE)).fetchone()
            except psycopg.errors.UndefinedTable:
                row = None  # before the first build
        if row is None or row["number"] is None:
            return Lease(None, row["term"] if row else 0, row["epoch"] if row else 0)
        descriptor = Descriptor.model_validate(row["descriptor"])
        version = LiveVersion(row["number"], row["id"], descriptor)
        return Lease(version, row["term"], row["epoch"])

    async def raise_epoch(self) -> None:
        async with self._connection() as connection:
            await connection.execute(RAISE_EPOCH)

    async def search(
        self,
        version: LiveVersion,
        vector: NDArray[np.float32],
        limit: int,
        filters: dict[str, Any],
    ) -> list[Found]:
        """Nearest chunks. Raises psycopg.errors.UndefinedTable when the version was dropped."""
        dimensions = version.descriptor.embedding.dimensions
        wrap = Vector if vector_type(dimensions) == "vector" else HalfVector
        statement = search(version.number, dimensions, filtered=bool(filters))
        parameters = {"vector": wrap(vector), "limit": limit, "filter": Jsonb(filters)}
        async with self._connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Found))
            return await (await cursor.execute(statement, parameters)).fetchall()

    async def summary(self) -> IndexSummary:
        async with self._connection() as connection:
            try:
                return await _summary(connection)
            except psycopg.errors.UndefinedTable:
                return IndexSummary()


async def _summary(connection: psycopg.AsyncConnection[Any]) -> IndexSummary:
    cursor = connection.cursor(row_factory=dict_row)
    live = await (await cursor.execute(queries.SUMMARY)).fetchone()
    previous = await (await connection.execute(queries.PREVIOUS)).fetchone()
    building = await (await cursor.execute(queries.BUILDING)).fetchone()
    return IndexSummary(
        live=_live(live) if live and live["number"] is not None else None,
        previous=previous[0] if previous else None,
        building=await _building(connection, building) if building else None,
    )


def _live(row: dict[str, Any]) -> LiveIndex:
    descriptor = Descriptor.model_validate(row["descriptor"])
    return LiveIndex(
        number=row["number"],
        term=row["term"],
        shape=descriptor.shape,
        source_revision=descriptor.source_revision,
        embedding_fingerprint=descriptor.embedding.fingerprint,
        documents=row["documents"],
        chunks=row["chunks"],
        swapped_at=row["swapped_at"].isoformat(timespec="seconds"),
    )


async def _building(connection: psycopg.AsyncConnection[Any], row: dict[str, Any]) -> Building:
    done = await (await connection.execute(queries.done(row["number"]))).fetchone()
    return Building(
        number=row["number"],
        phase="index" if row["loaded"] else "load",
        done=done[0] if done else 0,
        total=row["documents"],
    )

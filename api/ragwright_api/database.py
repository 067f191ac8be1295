"""The pool, and what the service reads: the pointer, chunks, and numbers for the internal port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector, Vector
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ragwright_api.background import Background
from ragwright_api.drift import Fixed
from ragwright_api.errors import DatabaseUnavailableError
from ragwright_api.lease import Lease, LiveVersion
from ragwright_api.summary import read_summary
from ragwright_core.index import connect, text_search
from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.queries import (
    RAISE_EPOCH,
    READ_LIVE,
    READ_LIVE_SENTENCES,
    search,
    vector_type,
)
from ragwright_core.report import IndexSummary

Connection = psycopg.AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]
Result = TypeVar("Result")
Work = Callable[[Connection], Awaitable[Result]]

SEARCH_CONNECTIONS = 8
# Apart from searches: questions that wait for one must not keep others from their lease.
POINTER_CONNECTIONS = 2
CONNECTION_WAIT_SECONDS = 2.0
DEADLINE_SECONDS = 3.0


class NothingBuiltError(Exception):
    """The database has no pgvector yet; the first build brings it, and the schema."""


_NOTHING_BUILT = (NothingBuiltError, psycopg.errors.UndefinedTable)


@dataclass(frozen=True)
class Found:
    """A retrieved chunk; `score` is the cosine, 1 is identical; `lexical` the rank by words."""

    id: int
    source: str
    path: str
    url: str | None
    title: str
    first_line: int
    last_line: int
    text: str
    score: float
    lexical: float = 0.0

    @property
    def reference(self) -> str:
        """`path#L10-L42`, or the URL the document came with."""
        return self.url or f"{self.path}#L{self.first_line}-L{self.last_line}"


def make_pool(conninfo: Callable[[], str], size: int) -> Pool:
    """A pool that reads its URL anew for each connection, so that a Secret may rotate."""
    return AsyncConnectionPool(
        conninfo,
        kwargs={
            **connect.CONNECT_OPTIONS,
            "autocommit": True,
            # A replica's pointer may lag: only the primary knows what is live.
            "target_session_attrs": "primary",
            "tcp_user_timeout": 10_000,
        },
        min_size=1,
        max_size=size,
        timeout=CONNECTION_WAIT_SECONDS,
        # Longer, its growing pauses would outlast a short outage of the database.
        reconnect_timeout=1.0,
        open=False,
    )


class Database:
    """Reads of one pipeline's schema. Methods raise DatabaseUnavailableError within 3 s."""

    def __init__(self, conninfo: Callable[[], str], schema: str) -> None:
        self._searches = make_pool(conninfo, SEARCH_CONNECTIONS)
        self._pointer = make_pool(conninfo, POINTER_CONNECTIONS)
        self._schema = schema
        self._prepared: WeakSet[Connection] = WeakSet()
        self._background = Background()

    async def open(self) -> None:
        """Begin to connect; the database may come later."""
        for pool in (self._pointer, self._searches):
            await pool.open(wait=False)

    async def close(self) -> None:
        await self._background.close()
        for pool in (self._pointer, self._searches):
            await pool.close()

    async def read_lease(self) -> Lease:
        async def read(connection: Connection) -> Lease:
            cursor = connection.cursor(row_factory=dict_row)
            row = await (await cursor.execute(READ_LIVE)).fetchone()
            assert row is not None, "layout 1 inserts the row"
            return _lease(row)

        try:
            return await self._run(self._pointer, read)
        except _NOTHING_BUILT:
            return Lease(None, 0, 0)

    async def read_sentences(self) -> Fixed | None:
        """The live version's fixed sentences; None before the first version, or the layout that
        holds them."""

        async def read(connection: Connection) -> Fixed | None:
            cursor = connection.cursor(row_factory=dict_row)
            row = await (await cursor.execute(READ_LIVE_SENTENCES)).fetchone()
            if row is None:
                return None
            descriptor = Descriptor.model_validate(row["descriptor"])
            return Fixed(row["id"], descriptor.embedding, row["sentences"])

        try:
            return await self._run(self._pointer, read)
        except (*_NOTHING_BUILT, psycopg.errors.UndefinedColumn):
            return None

    async def raise_epoch(self) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(RAISE_EPOCH)

        try:
            await self._run(self._pointer, write)
        except _NOTHING_BUILT:
            return

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

        async def read(connection: Connection) -> list[Found]:
            cursor = connection.cursor(row_factory=class_row(Found))
            return await (await cursor.execute(statement, parameters)).fetchall()

        return await self._run(self._searches, read)

    async def search_both(
        self,
        version: LiveVersion,
        vector: NDArray[np.float32],
        text: str,
        limit: int,
        filters: dict[str, Any],
    ) -> list[Found]:
        """Candidates by meaning and by words, in no order. Raises as `search`."""
        dimensions = version.descriptor.embedding.dimensions
        statement = text_search.search_both(version.number, dimensions, filtered=bool(filters))
        parameters = text_search.parameters(version.descriptor, vector, text, limit)
        parameters["filter"] = Jsonb(filters)

        async def read(connection: Connection) -> list[Found]:
            cursor = connection.cursor(row_factory=class_row(Found))
            return await (await cursor.execute(statement, parameters)).fetchall()

        return await self._run(self._searches, read)

    async def summary(self) -> IndexSummary:
        try:
            return await self._run(self._pointer, read_summary)
        except _NOTHING_BUILT:
            return IndexSummary()

    async def _run(self, pool: Pool, work: Work[Result]) -> Result:
        """Detached, because psycopg goes on for up to 10 s to cancel a query that hangs."""
        task = self._background.start(self._twice(pool, work))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asyncio.shield(task)
        except (psycopg.OperationalError, OSError):  # time-outs are OSErrors
            raise DatabaseUnavailableError from None
        finally:
            task.cancel()

    async def _twice(self, pool: Pool, work: Work[Result]) -> Result:
        try:
            return await self._once(pool, work)
        except PoolTimeout:
            raise
        except psycopg.OperationalError:
            # Where one connection has died most have: weed them out, and try again.
            await pool.check()
            return await self._once(pool, work)

    async def _once(self, pool: Pool, work: Work[Result]) -> Result:
        async with pool.connection() as connection:
            if connection not in self._prepared:
                await self._prepare(connection)
            return await work(connection)

    async def _prepare(self, connection: Connection) -> None:
        try:
            await connect.prepare_async(connection, self._schema)
        except LookupError:
            raise NothingBuiltError from None
        self._prepared.add(connection)


def _lease(row: dict[str, Any]) -> Lease:
    if row["number"] is None:
        return Lease(None, row["term"], row["epoch"])
    descriptor = Descriptor.model_validate(row["descriptor"])
    return Lease(LiveVersion(row["number"], row["id"], descriptor), row["term"], row["epoch"])

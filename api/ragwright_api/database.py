"""The pool, and what the service reads: the pointer, chunks, and numbers for the internal port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from ragwright_api import queries
from ragwright_api.background import Background
from ragwright_api.drift import Fixed
from ragwright_api.errors import DatabaseUnavailableError
from ragwright_api.hybrid import best
from ragwright_api.lease import Lease, LiveVersion
from ragwright_api.pool import Pool, make_pool
from ragwright_api.replica import Replica
from ragwright_api.search import Found, Search
from ragwright_api.summary import read_summary
from ragwright_core.index.connect import NoVectorError
from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.queries import RAISE_EPOCH, READ_LIVE, READ_LIVE_SENTENCES
from ragwright_core.report import IndexSummary

Connection = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")
Work = Callable[[Connection], Awaitable[Result]]

SEARCH_CONNECTIONS = 8
# Apart from searches: questions that wait for one must not keep others from their lease.
POINTER_CONNECTIONS = 2
DEADLINE_SECONDS = 3.0
# Then the primary is asked, within the time that a question has.
REPLICA_SECONDS = 1.0


# The first build brings pgvector, and the schema.
_NOTHING_BUILT = (NoVectorError, psycopg.errors.UndefinedTable)
# A dump loaded in place: connections live on, but know types and plans of what was there before.
_OUTDATED = (
    psycopg.errors.InternalError_,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.FeatureNotSupported,
)


class Database:
    """Reads of one pipeline's schema. Methods raise DatabaseUnavailableError within 3 s."""

    def __init__(
        self,
        conninfo: Callable[[], str],
        schema: str,
        *,
        pooled: bool = False,
        replica: Callable[[], str] | None = None,
        on_passed_over: Callable[[], None] = lambda: None,
    ) -> None:
        """`pooled`: a pooler in transaction mode is between. `on_passed_over` hears of each search
        that a replica could not answer."""
        self._searches = make_pool(conninfo, schema, SEARCH_CONNECTIONS, pooled=pooled)
        self._pointer = make_pool(conninfo, schema, POINTER_CONNECTIONS, pooled=pooled)
        self._replica = (
            Replica(make_pool(replica, schema, SEARCH_CONNECTIONS, "any")) if replica else None
        )
        self._on_passed_over = on_passed_over
        self._background = Background()

    async def open(self) -> None:
        for pool in self._pools():
            await pool.open()

    async def close(self) -> None:
        await self._background.close()
        for pool in self._pools():
            await pool.close()

    def _pools(self) -> list[Pool]:
        replicas = [self._replica.pool] if self._replica else []
        return [self._pointer, self._searches, *replicas]

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

    async def add_calls(self, made: int, saved: int) -> bool:
        """Add to the pipeline's lasting sums; whether they stand there now. A reply that is lost on
        its way may have them added twice."""

        async def write(connection: Connection) -> None:
            await connection.execute(queries.ADD_CALLS, {"made": made, "saved": saved})

        try:
            await self._run(self._pointer, write)
        except (DatabaseUnavailableError, NoVectorError, psycopg.Error):
            return False
        return True

    async def search(self, version: LiveVersion, search: Search) -> tuple[Found, ...]:
        """Best chunks first. Raises psycopg.errors.UndefinedTable when the version was dropped."""
        dimensions = version.descriptor.embedding.dimensions

        async def read(connection: Connection) -> tuple[Found, ...]:
            return await best(connection, version.number, dimensions, search)

        found = await self._search_replica(version, read)
        return await self._run(self._searches, read) if found is None else found

    async def _search_replica(
        self, version: LiveVersion, read: Work[tuple[Found, ...]]
    ) -> tuple[Found, ...] | None:
        """None where there is no replica, or none that answers and has the version whole."""
        if self._replica is None or self._replica.rests:
            return None
        work = self._replica.where_whole(version, read)
        try:
            found = await self._run(self._replica.pool, work, REPLICA_SECONDS)
        except (DatabaseUnavailableError, NoVectorError, psycopg.errors.UndefinedTable):
            self._replica.failed()
            found = None
        if found is None:
            self._on_passed_over()
        return found

    async def summary(self) -> IndexSummary:
        try:
            return await self._run(self._pointer, read_summary)
        except _NOTHING_BUILT:
            return IndexSummary()

    async def _run(
        self, pool: Pool, work: Work[Result], seconds: float = DEADLINE_SECONDS
    ) -> Result:
        """Detached, because psycopg goes on for up to 10 s to cancel a query that hangs."""
        task = self._background.start(self._twice(pool, work))
        try:
            async with asyncio.timeout(seconds):
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
            await pool.connections.check()
        except _OUTDATED:
            await pool.connections.drain()
        return await self._once(pool, work)

    async def _once(self, pool: Pool, work: Work[Result]) -> Result:
        async with pool.one() as connection:
            return await work(connection)


def _lease(row: dict[str, Any]) -> Lease:
    if row["number"] is None:
        return Lease(None, row["term"], row["epoch"])
    descriptor = Descriptor.model_validate(row["descriptor"])
    return Lease(LiveVersion(row["number"], row["id"], descriptor), row["term"], row["epoch"])

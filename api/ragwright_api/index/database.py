"""The pools, and all reads: the pointer, chunks, and figures for the internal port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from ragwright_api.index import queries
from ragwright_api.index.connection import Connection
from ragwright_api.index.drift import Fixed
from ragwright_api.index.lease import Lease, LiveVersion
from ragwright_api.index.pool import Pool, make_pool
from ragwright_api.index.renewed import RenewedPool
from ragwright_api.index.replica import Replica
from ragwright_api.index.summary import read_summary
from ragwright_api.tasks.background import Background
from ragwright_api.tasks.within import result_within
from ragwright_api.unanswered import DatabaseUnavailableError
from ragwright_core.index.connect import NoVectorError
from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.queries import RAISE_EPOCH, READ_LIVE, READ_LIVE_SENTENCES
from ragwright_core.index.search.found import Found, Searched, Vector, Wanted
from ragwright_core.index.search.run import arun
from ragwright_core.index.search.search import best
from ragwright_core.report import IndexSummary

Result = TypeVar("Result")
Work = Callable[[Connection], Awaitable[Result]]

SEARCH_CONNECTIONS = 8
# Apart from searches, because questions that wait for a search must not delay others' leases. They
# are renewed, because an old primary would say what is live.
POINTER_CONNECTIONS = 2
DEADLINE_SECONDS = 3.0
# After this time the primary is asked, within the question's deadline.
REPLICA_SECONDS = 1.0


# Before the first build, pgvector and the schema do not exist.
_NOTHING_BUILT = (NoVectorError, psycopg.errors.UndefinedTable)
# After a dump is loaded in place, open connections still have types and plans of the old objects.
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
        """`pooled`: there is a pooler in transaction mode in between. `on_passed_over` is called
        for each search that a replica could not answer."""
        self._searches = make_pool(conninfo, schema, SEARCH_CONNECTIONS, pooled=pooled)
        self._pointers = RenewedPool(
            lambda: make_pool(conninfo, schema, POINTER_CONNECTIONS, pooled=pooled)
        )
        self._replica = (
            Replica(make_pool(replica, schema, SEARCH_CONNECTIONS, "any")) if replica else None
        )
        self._on_passed_over = on_passed_over
        self._background = Background()

    async def open(self) -> None:
        for part in self._parts():
            await part.open()
        self._background.start(self._pointers.keep_fresh())

    async def close(self) -> None:
        await self._background.close()
        for part in self._parts():
            await part.close()

    def _parts(self) -> list[Pool | RenewedPool]:
        replicas = [self._replica.pool] if self._replica else []
        return [self._pointers, self._searches, *replicas]

    async def read_lease(self) -> Lease:
        async def read(connection: Connection) -> Lease:
            cursor = connection.cursor(row_factory=dict_row)
            row = await (await cursor.execute(READ_LIVE)).fetchone()
            assert row is not None, "layout 1 inserts the row"
            return _lease(row)

        try:
            return await self._run(self._pointers.pool, read)
        except _NOTHING_BUILT:
            return Lease(None)

    async def read_sentences(self) -> Fixed | None:
        """The live version's fixed sentences. None before the first version, or before the layout
        that holds them."""

        async def read(connection: Connection) -> Fixed | None:
            cursor = connection.cursor(row_factory=dict_row)
            row = await (await cursor.execute(READ_LIVE_SENTENCES)).fetchone()
            if row is None:
                return None
            descriptor, _ = Descriptor.read(row["descriptor"])
            return Fixed(row["id"], descriptor.embedding, row["sentences"])

        try:
            return await self._run(self._pointers.pool, read)
        except (*_NOTHING_BUILT, psycopg.errors.UndefinedColumn):
            return None

    async def raise_epoch(self) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(RAISE_EPOCH)

        try:
            await self._run(self._pointers.pool, write)
        except _NOTHING_BUILT:
            return

    async def raise_epoch_if_due(self, apart: float) -> float | None:
        """Raise the epoch unless that was done less than `apart` seconds ago. Returns the seconds
        to wait, 0 if it was raised, or None if the schema does not hold when that was: the next
        build migrates it."""

        async def write(connection: Connection) -> float:
            parameters = {"apart": apart}
            raised = await connection.execute(queries.RAISE_EPOCH_IF_DUE, parameters)
            if await raised.fetchone() is not None:
                return 0.0
            waits = await connection.execute(queries.SECONDS_UNTIL_DUE, parameters)
            row = await waits.fetchone()
            return max(1.0, row[0]) if row else 0.0

        try:
            return await self._run(self._pointers.pool, write)
        except psycopg.errors.UndefinedColumn:
            return None
        except _NOTHING_BUILT:
            return 0.0

    async def add_calls(self, made: int, saved: int) -> bool:
        """Add to the pipeline's lasting sums, and return whether that succeeded. If the reply is
        lost on its way, the figures may be added twice."""

        async def write(connection: Connection) -> None:
            await connection.execute(queries.ADD_CALLS, {"made": made, "saved": saved})

        try:
            await self._run(self._pointers.pool, write)
        except (DatabaseUnavailableError, NoVectorError, psycopg.Error):
            return False
        return True

    async def search(
        self, version: LiveVersion, wanted: Wanted, question: Vector
    ) -> tuple[Found, ...]:
        """Best chunks first. Raises psycopg.errors.UndefinedTable when the version was dropped."""
        searched = Searched.of(version.number, version.descriptor)

        async def read(connection: Connection) -> tuple[Found, ...]:
            return await arun(connection, best(searched, wanted, question))

        found = await self._search_replica(version, read)
        if found is not None:
            return found
        try:
            return await self._run(self._searches, read)
        except psycopg.errors.UndefinedTable:
            # Open connections may lead to a server that is the primary no more.
            await self._searches.connections.drain()
            raise

    async def _search_replica(
        self, version: LiveVersion, read: Work[tuple[Found, ...]]
    ) -> tuple[Found, ...] | None:
        """The chunks, or None if no replica answers and has all of the version."""
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

    async def on_primary(self, work: Work[Result]) -> Result:
        """Run work on a connection that no search waits for."""
        return await self._run(self._pointers.pool, work)

    async def summary(self) -> IndexSummary:
        try:
            return await self.on_primary(read_summary)
        except _NOTHING_BUILT:
            return IndexSummary()

    async def _run(
        self, pool: Pool, work: Work[Result], seconds: float = DEADLINE_SECONDS
    ) -> Result:
        """Run work in a task of its own, because psycopg takes up to 10 s to cancel a query that
        hangs."""
        task = self._background.start(self._twice(pool, work))
        try:
            return await result_within(task, seconds)
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
            # If one connection has died, most have: remove dead connections, and try again.
            await pool.connections.check()
        except _OUTDATED:
            await pool.connections.drain()
        return await self._once(pool, work)

    async def _once(self, pool: Pool, work: Work[Result]) -> Result:
        async with pool.one() as connection:
            return await work(connection)


def _lease(row: dict[str, Any]) -> Lease:
    if row["number"] is None:
        return Lease(None)
    descriptor, ignored = Descriptor.read(row["descriptor"])
    return Lease(
        LiveVersion(row["number"], row["id"], descriptor, row["term"], row["epoch"], ignored)
    )

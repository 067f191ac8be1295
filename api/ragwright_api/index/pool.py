"""Pools of database connections, which are set to the pipeline's schema before a query."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool

from ragwright_api.index.connection import Connection, Sessions
from ragwright_core.index import connect

CONNECTION_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Pool:
    connections: AsyncConnectionPool[Connection]
    sessions: Sessions

    async def open(self) -> None:
        """Begin to connect. The database may be away at first."""
        await self.connections.open(wait=False)

    async def close(self) -> None:
        await self.connections.close()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """A connection. Raises PoolTimeout, or NoVectorError if the database has no pgvector."""
        async with self.connections.connection() as connection, self.sessions.on(connection):
            yield connection


def make_pool(
    conninfo: Callable[[], str],
    schema: str,
    size: int,
    server: str = "primary",
    *,
    pooled: bool = False,
) -> Pool:
    """A pool that reads its URL for each new connection, so that a Secret may rotate. `server` is
    libpq's target_session_attrs. `pooled`: there is a pooler in transaction mode in between."""
    connections = AsyncConnectionPool(
        conninfo,
        connection_class=Connection,
        kwargs={
            **connect.CONNECT_OPTIONS,
            "autocommit": True,
            # A replica's pointer may lag: only the primary knows what is live.
            "target_session_attrs": server,
            "tcp_user_timeout": 10_000,
            # A prepared statement is in a session that the next transaction may not get.
            **({"prepare_threshold": None} if pooled else {}),
        },
        min_size=1,
        max_size=size,
        timeout=CONNECTION_WAIT_SECONDS,
        # With a longer time, the growing pauses would outlast a short outage of the database.
        reconnect_timeout=1.0,
        open=False,
    )
    return Pool(connections, Sessions(schema, pooled))

"""A connection, and its settings before a query: the schema and pgvector's types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector.psycopg import register_vector_async

from ragwright_core.index import connect


class Connection(psycopg.AsyncConnection[Any]):
    """`vector_schema` is pgvector's schema, or None before it was looked up. `whole` is the id of a
    version of which the server is known to have all rows and indexes."""

    vector_schema: str | None = None
    whole: str | None = None


@dataclass(frozen=True)
class Sessions:
    """`pooled`: each transaction may use another session of the server, which somebody else has
    used before, so that settings are made within the transaction and end with it."""

    schema: str
    pooled: bool

    @asynccontextmanager
    async def on(self, connection: Connection) -> AsyncIterator[None]:
        """Prepare a connection. Raises NoVectorError when the database has no pgvector."""
        if self.pooled:
            async with connection.transaction():
                await self._settle(connection)
                yield
        else:
            if connection.vector_schema is None:
                await self._settle(connection)
            yield

    async def _settle(self, connection: Connection) -> None:
        vector_schema = connection.vector_schema or await connect.vector_schema(connection)
        settings = connect.settings(self.schema, vector_schema, local=self.pooled)
        await connection.execute(settings)
        if connection.vector_schema is None:
            await register_vector_async(connection)
            connection.vector_schema = vector_schema

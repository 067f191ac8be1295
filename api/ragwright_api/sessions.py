"""What a connection must know before it is asked: the pipeline's schema, and pgvector's types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from pgvector.psycopg import register_vector_async

from ragwright_core.index import connect

Connection = psycopg.AsyncConnection[Any]


class Sessions:
    """`pooled`: each transaction may meet another session of the server, left by somebody else, so
    that settings are made in the transaction, and end with it."""

    def __init__(self, schema: str, *, pooled: bool) -> None:
        self._schema = schema
        self._pooled = pooled
        self._vector_schemas: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()

    @asynccontextmanager
    async def on(self, connection: Connection) -> AsyncIterator[None]:
        """Raises NoVectorError when the database has no pgvector."""
        known = self._vector_schemas.get(connection)
        if self._pooled:
            async with connection.transaction():
                await self._settle(connection, known)
                yield
        else:
            if known is None:
                await self._settle(connection, known)
            yield

    async def _settle(self, connection: Connection, known: str | None) -> None:
        vector_schema = known or await connect.vector_schema(connection)
        settings = connect.settings(self._schema, vector_schema, local=self._pooled)
        await connection.execute(settings)
        if known is None:
            await register_vector_async(connection)
            self._vector_schemas[connection] = vector_schema

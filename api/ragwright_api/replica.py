"""Read replicas: they lag, so each connection is asked first whether it has the version whole."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg

from ragwright_api import queries
from ragwright_api.lease import LiveVersion
from ragwright_api.pool import Pool

Connection = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")

# How long replicas are left alone after one did not answer.
REST_SECONDS = 5.0


class Replica:
    """A pool whose connections may lead to different replicas, behind one name."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self.pool = pool
        self._clock = clock
        self._whole: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()
        self._rests_until = float("-inf")

    @property
    def rests(self) -> bool:
        return self._clock() < self._rests_until

    def failed(self) -> None:
        self._rests_until = self._clock() + REST_SECONDS

    def where_whole(
        self, version: LiveVersion, read: Callable[[Connection], Awaitable[Result]]
    ) -> Callable[[Connection], Awaitable[Result | None]]:
        """`read`, but None on a connection whose server has not got all of the version yet. It is
        ready only after its last row and index: a server that knows the one has the other."""

        async def work(connection: Connection) -> Result | None:
            if self._whole.get(connection) != version.id:
                values = {"number": version.number, "id": version.id}
                row = await (await connection.execute(queries.IS_WHOLE, values)).fetchone()
                if row is None:
                    return None
                self._whole[connection] = version.id
            return await read(connection)

        return work

"""Read replicas. They lag, so each connection is first asked whether it has all of the version."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ragwright_api.index import queries
from ragwright_api.index.connection import Connection
from ragwright_api.index.lease import LiveVersion
from ragwright_api.index.pool import Pool

Result = TypeVar("Result")

# How long replicas are left alone after one did not answer.
REST_SECONDS = 5.0


class Replica:
    """A pool whose connections may lead to different replicas, behind one name."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self.pool = pool
        self._clock = clock
        self._rests_until = float("-inf")

    @property
    def rests(self) -> bool:
        return self._clock() < self._rests_until

    def failed(self) -> None:
        self._rests_until = self._clock() + REST_SECONDS

    def where_whole(
        self, version: LiveVersion, read: Callable[[Connection], Awaitable[Result]]
    ) -> Callable[[Connection], Awaitable[Result | None]]:
        """`read`, but with the result None if the connection's server does not have all of the
        version yet. A version becomes ready only after its last row and index, so that a server
        that shows it as ready has them too."""

        async def work(connection: Connection) -> Result | None:
            if connection.whole != version.id:
                values = {"number": version.number, "id": version.id}
                row = await (await connection.execute(queries.HAS_ARRIVED, values)).fetchone()
                if row is None:
                    return None
                connection.whole = version.id
            return await read(connection)

        return work

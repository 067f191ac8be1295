"""A pool that is renewed every few seconds, so that it never leads to an old server for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from psycopg_pool import PoolTimeout

from ragwright_api.index.pool import Pool

# A primary that was replaced but goes on running still answers open connections.
RENEW_SECONDS = 5.0
_CONNECT_SECONDS = 30.0


class RenewedPool:
    """`pool` has connections that are at most some seconds old. The next pool is connected before
    it takes the place of the last, so that nobody waits for that, and the last is closed one round
    later, when nobody uses it any more."""

    def __init__(self, make: Callable[[], Pool]) -> None:
        self._make = make
        self.pool = make()
        self._last: Pool | None = None

    async def open(self) -> None:
        await self.pool.open()

    async def keep_fresh(self) -> None:
        """Renew the pool until cancelled."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._renew()

    async def _renew(self) -> None:
        fresh = self._make()
        await fresh.open()
        try:
            await fresh.connections.wait(_CONNECT_SECONDS)
        except PoolTimeout:  # the database is away; the pool that there is goes on trying
            await fresh.close()
            return
        except BaseException:
            await fresh.close()
            raise
        last, self._last, self.pool = self._last, self.pool, fresh
        if last is not None:
            await last.close()

    async def close(self) -> None:
        for pool in (self.pool, self._last):
            if pool is not None:
                await pool.close()

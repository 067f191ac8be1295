"""Whether Redis is to blame for a reply that did not come in time.

Often it is not: this process may have had no time to run, a question's last read may have what two
others left of its budget, and a new connection takes several round trips. Blamed for those, a Redis
that is well but 20 ms away, or a busy processor, would open the breaker.
"""

from __future__ import annotations

import time

import redis.asyncio as redis

from ragwright_api.caching.breaker import BUDGET_SECONDS

# A call that was given less time says nothing about Redis.
FAIR_SECONDS = 0.8 * BUDGET_SECONDS
# Enough for a new connection too.
FAIR_TO_CONNECT_SECONDS = 5 * BUDGET_SECONDS


class ConnectionPool(redis.ConnectionPool):
    """Knows when a connection was made last, and how many are being made."""

    connecting = 0
    connected_at = float("-inf")

    async def ensure_connection(self, connection: redis.connection.AbstractConnection) -> None:
        if connection.is_connected:
            await super().ensure_connection(connection)
            return
        self.connecting += 1
        try:
            await super().ensure_connection(connection)
        finally:
            self.connecting -= 1
            self.connected_at = time.monotonic()


def is_to_blame(client: redis.Redis, began: float, seconds: float) -> bool:
    """For a reply to a call of `began` that did not come within `seconds`."""
    pool = client.connection_pool
    assert isinstance(pool, ConnectionPool)
    if pool.connecting:
        return seconds >= FAIR_TO_CONNECT_SECONDS
    return min(seconds, time.monotonic() - max(began, pool.connected_at)) >= FAIR_SECONDS

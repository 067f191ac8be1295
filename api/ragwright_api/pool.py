"""Pools of database connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from ragwright_core.index import connect

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

CONNECTION_WAIT_SECONDS = 2.0


def make_pool(
    conninfo: Callable[[], str], size: int, server: str = "primary", *, pooled: bool = False
) -> Pool:
    """A pool that reads its URL anew for each connection, so that a Secret may rotate. `server` is
    libpq's target_session_attrs; `pooled` says that a pooler in transaction mode is between."""
    return AsyncConnectionPool(
        conninfo,
        kwargs={
            **connect.CONNECT_OPTIONS,
            "autocommit": True,
            # A replica's pointer may lag: only the primary knows what is live.
            "target_session_attrs": server,
            "tcp_user_timeout": 10_000,
            # A prepared statement would stand in a session that the next transaction need not meet.
            **({"prepare_threshold": None} if pooled else {}),
        },
        min_size=1,
        max_size=size,
        timeout=CONNECTION_WAIT_SECONDS,
        # Longer, its growing pauses would outlast a short outage of the database.
        reconnect_timeout=1.0,
        open=False,
    )

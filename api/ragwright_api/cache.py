"""Redis, which may be slow, full, down or empty: questions are answered all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ragwright_api.settings import UrlMissingError

# All Redis calls of one request together.
BUDGET_SECONDS = 0.05
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 5.0

Result = TypeVar("Result")


class Breaker:
    """Leaves Redis alone for 5 s after three failures in a row."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def record(self, *, ok: bool) -> None:
        self._failures = 0 if ok else self._failures + 1
        if self._failures >= FAILURES_TO_OPEN:
            self._open_until = self._clock() + OPEN_SECONDS


class Budget:
    """The time that one request may still spend on Redis."""

    def __init__(self, seconds: float = BUDGET_SECONDS) -> None:
        self.seconds = seconds

    def spend(self, seconds: float) -> None:
        self.seconds = max(0.0, self.seconds - seconds)


class Cache:
    """Bytes by key. Every failure is a miss; `on_failure` counts them."""

    def __init__(
        self,
        url: Callable[[], str] | None,
        *,
        breaker: Breaker | None = None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = url
        self._client: redis.Redis | None = None
        self._breaker = breaker or Breaker()
        self._on_failure = on_failure
        self._detached: set[asyncio.Task[object]] = set()

    async def get(self, key: str, budget: Budget) -> bytes | None:
        found = await self._call(lambda client: client.get(key), budget, None)
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, value: bytes, ttl_seconds: int, budget: Budget) -> None:
        await self._call(lambda client: client.set(key, value, ex=ttl_seconds), budget, None)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connect(self) -> redis.Redis | None:
        if self._client is None and self._url is not None:
            try:
                url = self._url()
            except UrlMissingError:
                return None
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=1.0,
                socket_connect_timeout=1.0,
                # redis-py's own retries turn 50 ms into 3.5 s (measured).
                retry=Retry(NoBackoff(), 0),
            )
        return self._client

    async def _call(
        self,
        command: Callable[[redis.Redis], Awaitable[Result]],
        budget: Budget,
        otherwise: Result,
    ) -> Result:
        client = self._connect()
        if client is None or self._breaker.is_open or budget.seconds <= 0:
            return otherwise
        # Detached, so that neither a time-out nor a caller who hangs up cancels a command whose
        # reply would then wait on the connection for the next caller (redis-py#2624).
        task = asyncio.ensure_future(command(client))
        self._detached.add(task)
        task.add_done_callback(self._forget)
        began = time.monotonic()
        try:
            async with asyncio.timeout(budget.seconds):
                result = await asyncio.shield(task)
        except (RedisError, OSError, TimeoutError):
            self._breaker.record(ok=False)
            self._on_failure()
            if self._breaker.is_open:
                # Afterwards the URL is read anew: the Secret may have been rotated.
                await self.close()
            return otherwise
        finally:
            budget.spend(time.monotonic() - began)
        self._breaker.record(ok=True)
        return result

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._detached.discard(task)
        if not task.cancelled():
            task.exception()

"""Redis, which may be slow, full, down or empty: questions are answered all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from ragwright_api.background import Background
from ragwright_api.batches import Batches, Values
from ragwright_api.budget import Breaker, Budget
from ragwright_api.settings import NotMountedError
from ragwright_core.cachekeys import turn_key

# Below the 100 connections of redis-py's pool, beyond which it fails as if Redis had.
CALLS_AT_ONCE = 64

Result = TypeVar("Result")

# What Redis does in one go: the value if it is there, else the turn to make it, if it is free.
_TAKE_TURN = """
local found = redis.call('GET', KEYS[1])
if found then return found end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0"""
_KEEP_TURN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0"""
_END_TURN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""

Command = Callable[[redis.Redis], Coroutine[Any, Any, Result]]


class Cache:
    """Bytes by key. Every failure is a miss; `on_failure` counts them, and `on_call` is told how
    many seconds each call took. While `closed` holds, nothing is read or stored."""

    def __init__(
        self,
        url: Callable[[], str] | None,
        *,
        closed: Callable[[], bool] = lambda: False,
        breaker: Breaker | None = None,
        on_failure: Callable[[], None] = lambda: None,
        on_call: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._closed = closed
        self._client: redis.Redis | None = None
        self._breaker = breaker or Breaker()
        self._on_failure = on_failure
        self._on_call = on_call
        self._background = Background()
        self._batches = Batches(self._fetch)
        self._places = asyncio.Semaphore(CALLS_AT_ONCE)
        self._calls: set[asyncio.Task[Any]] = set()

    async def get(self, key: str, budget: Budget) -> bytes | None:
        if self._closed() or self._breaker.is_open or budget.seconds <= 0:
            return None
        began = time.monotonic()
        try:
            return await self._batches.get(key, budget.seconds)
        finally:
            budget.spend(time.monotonic() - began)

    async def _fetch(self, keys: list[str], seconds: float) -> Values | None:
        async def command(client: redis.Redis) -> Values:
            found = await client.mget(keys)
            return [value if isinstance(value, bytes) else None for value in found]

        return await self._call(command, Budget(seconds))

    async def put(self, key: str, value: bytes, ttl_seconds: int, budget: Budget) -> None:
        async def command(client: redis.Redis) -> None:
            await client.set(key, value, ex=ttl_seconds)

        await self._call(command, budget)

    async def seconds_left(self, key: str, budget: Budget) -> float:
        """How long a value lives still; 0 where it is gone, or Redis does not say."""

        async def command(client: redis.Redis) -> float:
            return max(0, await client.pttl(key)) / 1000

        return await self._call(command, budget) or 0.0

    async def take_turn(
        self, key: str, owner: str, seconds: float, budget: Budget
    ) -> bytes | bool | None:
        """The value where there is one by now; else whether the turn to make it is `owner`'s.
        None where Redis does not say."""
        arguments = (owner, int(seconds * 1000))

        async def command(client: redis.Redis) -> bytes | bool:
            script = client.register_script(_TAKE_TURN)
            found = await script([key, turn_key(key)], arguments)
            return found if isinstance(found, bytes) else bool(found)

        return await self._call(command, budget)

    async def keep_turn(self, key: str, owner: str, seconds: float, budget: Budget) -> None:
        await self._as_owner(_KEEP_TURN, key, (owner, int(seconds * 1000)), budget)

    async def end_turn(self, key: str, owner: str, budget: Budget) -> None:
        await self._as_owner(_END_TURN, key, (owner,), budget)

    async def _as_owner(
        self, script: str, key: str, arguments: tuple[str | int, ...], budget: Budget
    ) -> None:
        async def command(client: redis.Redis) -> None:
            await client.register_script(script)([turn_key(key)], arguments)

        await self._call(command, budget)

    def problem(self) -> str | None:
        """Why nothing is cached just now, for readiness to say."""
        if self._url is None:
            return "no cache is named: set REDIS_URL or REDIS_URL_FILE"
        if self._closed():
            return "the embedding endpoint has another model than the live version's"
        try:
            self._url()
        except NotMountedError as error:
            return str(error)
        return "Redis does not answer" if self._breaker.is_open else None

    async def close(self) -> None:
        await self._batches.close()
        await self._background.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connect(self) -> redis.Redis | None:
        if self._client is None and self._url is not None:
            try:
                self._client = make_client(self._url())
            except NotMountedError:
                return None
        return self._client

    async def _call(self, command: Command[Result], budget: Budget) -> Result | None:
        if self._closed() or self._breaker.is_open or budget.seconds <= 0:
            return None
        # A crowd of our own says nothing of Redis: the breaker does not hear of it.
        if not await self._has_place(budget):
            return None
        if (client := self._connect()) is None:
            self._places.release()
            return None
        # Detached, so that neither a time-out nor a caller who hangs up cancels a command whose
        # reply would then wait on the connection for the next caller (redis-py#2624).
        task = self._background.start(command(client))
        self._calls.add(task)
        task.add_done_callback(self._ended)
        began = time.monotonic()
        try:
            await asyncio.wait({task}, timeout=budget.seconds)
            result = await _result_now(task)
        except (RedisError, OSError):  # time-outs are OSErrors
            self._failed()
            return None
        finally:
            took = time.monotonic() - began
            budget.spend(took)
            self._on_call(took)
        self._breaker.record(ok=True)
        return result

    def _ended(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        self._places.release()

    async def _has_place(self, budget: Budget) -> bool:
        if not self._places.locked():
            return await self._places.acquire()
        began = time.monotonic()
        try:
            async with asyncio.timeout(budget.seconds):
                return await self._places.acquire()
        except TimeoutError:
            return False
        finally:
            budget.spend(time.monotonic() - began)

    def _failed(self) -> None:
        self._on_failure()
        self._breaker.record(ok=False)
        if self._breaker.is_open and self._client is not None:
            # The next client reads the URL anew: the Secret may have been rotated.
            self._background.start(_retire(self._client, self._calls.copy()))
            self._client = None


async def _retire(client: redis.Redis, calls: set[asyncio.Task[Any]]) -> None:
    """Close it when its calls have ended, within their own time-outs: one that meets a connection
    closed under it raises AttributeError in redis-py (found by `make soak`)."""
    if calls:
        await asyncio.wait(calls)
    await client.aclose()


def make_client(url: str) -> redis.Redis:
    # redis-py's own retries turn 50 ms into 3.5 s (measured).
    return redis.Redis.from_url(
        url,
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


async def _result_now(task: asyncio.Task[Result]) -> Result:
    """The result of a task whose time is up. Raises TimeoutError.

    Where this process itself had no time to run, a reply that has arrived is still to be read.
    """
    for _ in range(3):
        if task.done():
            return task.result()
        await asyncio.sleep(0)
    raise TimeoutError

"""The cache in Redis. If Redis is slow, full, down or empty, questions are still answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import redis.asyncio as redis
from redis.exceptions import RedisError

from ragwright_api.caching.batches import Batches, Values
from ragwright_api.caching.blame import ConnectionPool, is_to_blame
from ragwright_api.caching.breaker import STORE_SECONDS, Breaker, Budget
from ragwright_api.tasks.background import Background
from ragwright_api.tasks.within import result_within
from ragwright_core.cachekeys import turn_key
from ragwright_core.contract import CACHE_URL_ENV, CACHE_URL_FILE_ENV
from ragwright_core.stores import NotMountedError, async_redis_client

# Fewer than the 100 connections of redis-py's pool, beyond which calls fail as if Redis had failed.
CALLS_AT_ONCE = 64

Result = TypeVar("Result")

# Atomic in Redis: get the value if it exists, else take the turn to make it if the turn is free.
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
    """Bytes by key. Every failure is a miss, and `on_failure` counts it. `on_call` gets the seconds
    that each call took. While `closed` holds, nothing is read or stored."""

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
        self._keeping = Background()
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

    def keep(self, key: str, value: bytes, ttl_seconds: int) -> asyncio.Task[None]:
        """Put a value in the background, with a time of its own."""
        return self._keeping.start(self.put(key, value, ttl_seconds, Budget(STORE_SECONDS)))

    async def seconds_left(self, key: str, budget: Budget) -> float:
        """How long a value will live, or 0 if it is gone or Redis does not answer."""

        async def command(client: redis.Redis) -> float:
            return max(0, await client.pttl(key)) / 1000

        return await self._call(command, budget) or 0.0

    async def take_turn(
        self, key: str, owner: str, seconds: float, budget: Budget
    ) -> bytes | bool | None:
        """The value if it exists by now, else whether `owner` has the turn to make it. None if
        Redis does not answer."""
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

    async def scan(self, cursor: int, pattern: str, count: int) -> tuple[int, list[str]] | None:
        """One step of a walk through the keys, which ends with cursor 0. None if Redis does not
        answer."""

        async def command(client: redis.Redis) -> tuple[int, list[str]]:
            then, keys = await client.scan(cursor, match=pattern, count=count)
            names = (key if isinstance(key, bytes) else key.encode() for key in keys)
            return int(then), [name.decode(errors="replace") for name in names]

        return await self._call(command, Budget(STORE_SECONDS))

    async def unlink(self, keys: Sequence[str]) -> None:
        async def command(client: redis.Redis) -> None:
            await client.unlink(*keys)

        await self._call(command, Budget(STORE_SECONDS))

    def problem(self) -> str | None:
        """Why nothing is cached at present, for readiness to report."""
        if self._url is None:
            return f"no cache is named: set {CACHE_URL_ENV} or {CACHE_URL_FILE_ENV}"
        if self._closed():
            return "the embedding endpoint has another model than the live version's"
        try:
            self._url()
        except NotMountedError as error:
            return str(error)
        return "Redis does not answer" if self._breaker.is_open else None

    async def close(self) -> None:
        await self._keeping.close(STORE_SECONDS)
        await self._batches.close()
        await self._background.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connect(self) -> redis.Redis | None:
        if self._client is None and self._url is not None:
            try:
                self._client = async_redis_client(self._url(), ConnectionPool)
            except NotMountedError:
                return None
        return self._client

    async def _call(self, command: Command[Result], budget: Budget) -> Result | None:
        if self._closed() or self._breaker.is_open or budget.seconds <= 0:
            return None
        # Too many calls of our own are no failure of Redis, so the breaker does not count them.
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
        began, seconds, mark = time.monotonic(), budget.seconds, self._breaker.begin()
        try:
            result = await result_within(task, seconds)
        except TimeoutError:
            if is_to_blame(client, began, seconds):
                self._failed(mark)
            return None
        except (RedisError, OSError):
            self._failed(mark)
            return None
        finally:
            took = time.monotonic() - began
            budget.spend(took)
            self._on_call(took)
        self._breaker.record(mark, ok=True)
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

    def _failed(self, mark: float) -> None:
        self._on_failure()
        self._breaker.record(mark, ok=False)
        if self._breaker.is_open and self._client is not None:
            # The next client reads the URL again, because the Secret may have been rotated.
            self._background.start(_retire(self._client, self._calls.copy()))
            self._client = None


async def _retire(client: redis.Redis, calls: set[asyncio.Task[Any]]) -> None:
    """Close the client after its calls have ended, within their own time-outs: redis-py raises
    AttributeError in a call whose connection is closed (found by `make soak`)."""
    if calls:
        await asyncio.wait(calls)
    await client.aclose()

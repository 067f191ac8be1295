"""Faults that the proxy can put between the operator and the API server."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import web

from tests.kit.faults.calls import Bend, Call, Fault, Forward, NoConnection

Match = Callable[[Call], bool]

REASONS = {
    403: "Forbidden", 409: "Conflict", 410: "Expired", 422: "Invalid", 429: "TooManyRequests",
    500: "InternalError",
}  # fmt: skip


def refusal(status: int) -> bytes:
    said = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": status,
        "reason": REASONS[status],
        "message": f"broken on purpose: {status}",
    }
    return json.dumps(said).encode()


def answers(status: int, matches: Match, **headers: str) -> Fault:
    """Every matching call is answered with this status and never reaches the API server."""

    async def fault(call: Call, forward: Forward) -> web.StreamResponse:
        if not matches(call):
            return await forward(call)
        return _refused(status, headers)

    return fault


def some(share: float, status: int, matches: Match, seed: int = 1) -> Fault:
    """A share of the matching calls is answered with this status, and never reaches the API server.

    Calls are drawn at random: a round has six writes, so that refusing every n-th call could refuse
    the same write of each round for ever.
    """
    draws = random.Random(seed)

    async def fault(call: Call, forward: Forward) -> web.StreamResponse:
        if not matches(call) or draws.random() >= share:
            return await forward(call)
        return _refused(status, {})

    return fault


def no_connection(matches: Match) -> Fault:
    async def fault(call: Call, forward: Forward) -> web.StreamResponse:
        if matches(call):
            raise NoConnection
        return await forward(call)

    return fault


def after_each_write(told: Callable[[Call], None]) -> Fault:
    """Call `told` for each write after the API server has done it, before the answer goes back."""

    async def fault(call: Call, forward: Forward) -> web.StreamResponse:
        response = await forward(call)
        if call.writes and response.status < 400:
            told(call)
        return response

    return fault


def old_lists() -> Fault:
    """Every list request gets the answer to the first request for that list."""
    first: dict[str, web.Response] = {}

    async def fault(call: Call, forward: Forward) -> web.StreamResponse:
        if not call.lists:
            return await forward(call)
        asked = f"{call.path} {call.query.get('labelSelector')}"
        if asked not in first:
            response = await forward(call)
            assert isinstance(response, web.Response)
            first[asked] = response
        kept = first[asked]
        return web.Response(status=kept.status, body=kept.body, content_type="application/json")

    return fault


def _refused(status: int, headers: dict[str, str]) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        status=status, body=refusal(status), headers=named, content_type="application/json"
    )


def ends_with_error(status: int) -> Bend:
    """The stream brings an ERROR event at once, and ends."""

    async def bend(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        del lines
        yield b'{"type":"ERROR","object":' + refusal(status) + b"}\n"

    return bend


async def silent(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream stays open and brings nothing."""
    async for _ in lines:
        pass
    await asyncio.Event().wait()
    yield b""


async def doubled(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield line
        yield line


def dropped(n: int) -> Bend:
    """Every n-th event is lost."""

    async def bend(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        number = 0
        async for line in lines:
            number += 1
            if number % n:
                yield line

    return bend


def delayed(seconds: float) -> Bend:
    """Every event comes late, but in the right order."""

    async def bend(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for line in lines:
            await asyncio.sleep(seconds)
            yield line

    return bend


async def reordered(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Two events that come within half a second change places."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def read() -> None:
        async for line in lines:
            waiting.put_nowait(line)
        waiting.put_nowait(None)

    reading = asyncio.ensure_future(read())
    try:
        while (first := await waiting.get()) is not None:
            second: bytes | None = b""
            with suppress(TimeoutError):
                second = await asyncio.wait_for(waiting.get(), 0.5)
            if second:
                yield second
            yield first
            if second is None:
                return
    finally:
        reading.cancel()

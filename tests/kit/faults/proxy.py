"""A real HTTP proxy before the API server: forwards with the administrator's certificate, but in
the operator's name, so that its rights hold; and breaks what it is told to break."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import Any

import aiohttp
from aiohttp import web

from tests.kit.faults.calls import Bend, Call, Fault, Forward, NoConnection, Write, read_call

_NOT_FORWARDED = {"host", "accept-encoding", "connection", "content-length", "authorization"}
_NOT_RETURNED = {"content-length", "transfer-encoding", "connection", "content-encoding"}
_LONGEST_LINE = 2**22


@dataclass
class Proxy:
    """`server` is the API server's URL, `account` in whose name calls are made."""

    server: str
    tls: ssl.SSLContext
    account: str
    writes: list[Write] = field(default_factory=list)
    port: int = 0
    _faults: tuple[Fault, ...] = ()
    _bends: tuple[Bend, ...] = ()
    _streams: set[asyncio.Task[Any]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self) -> Iterator[Proxy]:
        thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        runner = self._run(self._start())
        try:
            yield self
        finally:
            self._run(self._stop(runner))
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(timeout=10)
            self._loop.close()

    @contextmanager
    def broken(self, *faults: Fault) -> Iterator[None]:
        before, self._faults = self._faults, (*self._faults, *faults)
        try:
            yield
        finally:
            self._faults = before

    @contextmanager
    def bent(self, *bends: Bend) -> Iterator[None]:
        """Bend all watches that begin from now on, and begin them anew now and at the end."""
        before, self._bends = self._bends, (*self._bends, *bends)
        self.cut()
        try:
            yield
        finally:
            self._bends = before
            self.cut()

    def cut(self) -> None:
        """End every open watch in the middle, as a load balancer does."""
        self._run(self._cut())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _start(self) -> web.AppRunner:
        # aiohttp opens at most 100 connections: the watches of eight killed operators, each still
        # open, had kept the next one waiting for its lists for longer than its 20 s.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, read_bufsize=_LONGEST_LINE)
        app = web.Application(client_max_size=_LONGEST_LINE)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _stop(self, runner: web.AppRunner) -> None:
        await self._cut()
        await runner.cleanup()
        assert self._session is not None
        await self._session.close()
        # A TLS connection ends only after its last exchange.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=1)
        await asyncio.sleep(0.25)

    async def _cut(self) -> None:
        for task in list(self._streams):
            task.cancel()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = read_call(request.method, request.path, request.query)
        forward: Forward = partial(self._forward, request, body)
        for fault in reversed(self._faults):
            forward = partial(_through, fault, forward)
        try:
            return await forward(call)
        except (NoConnection, aiohttp.ClientError, TimeoutError, OSError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)

    async def _forward(self, request: web.Request, body: bytes, call: Call) -> web.StreamResponse:
        assert self._session is not None
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _NOT_FORWARDED}
        if call.sub != "proxy":  # a pipeline's /index, which a pod asks for itself
            headers["Impersonate-User"] = self.account
        url = f"{self.server}{request.path_qs}"
        limit = aiohttp.ClientTimeout(total=None if call.watches else 60)
        async with self._session.request(
            call.method,
            url,
            headers=headers,
            data=body or None,
            ssl=self.tls,
            timeout=limit,
        ) as reply:
            if call.watches and reply.status == 200:
                return await self._stream(request, reply)
            payload = await reply.read()
        if call.writes:
            made = call.name or _name_in(payload)
            self.writes.append(Write(call, made, reply.status, time.monotonic()))
        return web.Response(status=reply.status, body=payload, headers=_returned(reply))

    async def _stream(
        self, request: web.Request, reply: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=200, headers=_returned(reply))
        await response.prepare(request)
        task = asyncio.ensure_future(self._relay(response, reply))
        self._streams.add(task)
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            if request.transport is not None:
                request.transport.abort()
        except (aiohttp.ClientError, OSError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._streams.discard(task)
        return response

    async def _relay(self, response: web.StreamResponse, reply: aiohttp.ClientResponse) -> None:
        lines = _lines(reply)
        for bend in self._bends:
            lines = bend(lines)
        async for line in lines:
            await response.write(line)
        with suppress(ConnectionError):
            await response.write_eof()


async def _through(fault: Fault, forward: Forward, call: Call) -> web.StreamResponse:
    return await fault(call, forward)


async def _lines(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    while line := await reply.content.readline():
        yield line


def _returned(reply: aiohttp.ClientResponse) -> dict[str, str]:
    return {k: v for k, v in reply.headers.items() if k.lower() not in _NOT_RETURNED}


def _name_in(payload: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(payload)["metadata"]["name"])
    return ""

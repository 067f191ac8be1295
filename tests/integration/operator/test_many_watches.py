"""A server that holds every watch open, as the API server does, and still has to answer calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from ragwright_operator.effects.children import CHILD_KINDS, children_watches
from ragwright_operator.effects.connect import connect_as

NAMESPACES = tuple(f"team-{number}" for number in range(15))
LONGEST = 15.0


async def test_calls_go_through_beside_the_watches_of_many_namespaces() -> None:
    async with serving() as (url, begun), connect_as(Configuration(host=url)) as kube:
        children = children_watches(kube, NAMESPACES, lambda *_: None)
        watching = [asyncio.create_task(watch.run()) for watch in children.watches]
        try:
            async with asyncio.timeout(LONGEST):
                for _ in range(len(CHILD_KINDS) * len(NAMESPACES)):
                    await begun.get()
                assert await kube.cluster_id() == "uid-of-this-cluster"
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, asyncio.Queue[str]]]:
    """Yields the URL, and a queue that gets the path of each watch that has begun."""
    begun: asyncio.Queue[str] = asyncio.Queue()
    closing = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/api/v1/namespaces/kube-system":
            return web.json_response({"metadata": {"uid": "uid-of-this-cluster"}})
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        stream = web.StreamResponse()
        await stream.prepare(request)
        begun.put_nowait(request.path)
        await closing.wait()
        return stream

    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", begun
    finally:
        closing.set()
        await runner.cleanup()

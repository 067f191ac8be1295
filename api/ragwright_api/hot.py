"""The shortest way to an answer that this process remembers: before routes, models and logs.

A whole request through FastAPI costs about six times as much as one that ends here
(bench/results/serve.json). Such answers are counted like others, but have no line in the log.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragwright_api.front import MAX_BODY_BYTES, request_id_of
from ragwright_api.memory import Remembered
from ragwright_api.service import Service
from ragwright_core.cachekeys import IndexPoint

QUERY_PATH = "/api/rag/query"


class HotAnswers:
    """`draining`: nothing comes from here once callers should leave for another replica."""

    def __init__(self, app: ASGIApp, service: Service, draining: Callable[[], bool]) -> None:
        self._app = app
        self._service = service
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != QUERY_PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        point = self._point()
        if point is None:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        messages = await _read(receive)
        request = b"".join(message.get("body", b"") for message in messages)
        whole = not messages[-1].get("more_body") and messages[-1]["type"] == "http.request"
        reply = self._service.memory.get(point, request) if whole else None
        if reply is None:
            await self._app(scope, _again(messages, receive), send)
            return
        await self._send(reply, scope, send, began)

    def _point(self) -> IndexPoint | None:
        """What is live, where that is known already."""
        service = self._service
        if service.closed() or self._draining():
            return None
        lease = service.reader.known(service.clock())
        if lease is None or lease.version is None:
            return None
        return IndexPoint(service.schema, lease.version.id, lease.epoch)

    async def _send(self, reply: Remembered, scope: Scope, send: Send, began: float) -> None:
        seconds = time.perf_counter() - began
        ms = seconds * 1000
        body = b'%s,"from_cache":true,"latency_ms":%.1f}' % (reply.stored[:-1], ms)
        headers = [
            (b"content-type", b"application/json"),
            *reply.headers,
            (b"content-length", b"%d" % len(body)),
            (b"server-timing", b"total;dur=%.1f" % ms),
            (b"x-request-id", request_id_of(scope)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        metrics = self._service.metrics
        metrics.queries.inc()
        metrics.hits.inc()
        metrics.query_seconds.observe(seconds)


async def _read(receive: Receive) -> list[Message]:
    """The messages of a body, or its beginning where it is larger than any that is answered."""
    messages = [await receive()]
    size = len(messages[0].get("body", b""))
    while messages[-1].get("more_body") and size <= MAX_BODY_BYTES:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """The messages that were read already, then what follows them."""
    read = deque(messages)

    async def again() -> Message:
        return read.popleft() if read else await receive()

    return again

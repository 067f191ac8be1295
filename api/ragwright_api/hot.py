"""The shortest way to a cached answer: before routes, models and logs.

A whole request through FastAPI costs several times as much as one that ends here
(bench/results/serve.json). Such answers are counted like others, but have no line in the log.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragwright_api.bodies import QueryRequest
from ragwright_api.budget import Budget
from ragwright_api.front import MAX_BODY_BYTES, request_id_of
from ragwright_api.lease import Lease, LiveVersion
from ragwright_api.memory import Headers
from ragwright_api.replies import Question, Reply
from ragwright_api.service import Service
from ragwright_api.stored import Stored
from ragwright_core.cachekeys import IndexPoint

QUERY_PATH = "/api/rag/query"
# In a request's scope: what is left of its budget, as Redis was asked for its answer already.
BUDGET = "ragwright.budget"


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
        head_at, began = self._service.clock(), time.perf_counter()
        lease = self._lease(head_at)
        if lease is None or lease.version is None:
            await self._app(scope, receive, send)
            return
        messages = await _read(receive)
        if not await self._answered(lease, lease.version, messages, (scope, send, head_at, began)):
            await self._app(scope, _again(messages, receive), send)

    def _lease(self, head_at: float) -> Lease | None:
        """What is live, where that is known already."""
        if self._service.closed() or self._draining():
            return None
        return self._service.reader.known(head_at)

    async def _answered(
        self,
        lease: Lease,
        version: LiveVersion,
        messages: list[Message],
        came: tuple[Scope, Send, float, float],
    ) -> bool:
        """Whether the reply was here, and is sent."""
        scope, send, head_at, began = came
        if messages[-1]["type"] != "http.request" or messages[-1].get("more_body"):
            return False
        request = b"".join(message.get("body", b"") for message in messages)
        point = IndexPoint(self._service.schema, version.id, lease.epoch)
        remembered = self._service.memory.get(point, request)
        if remembered is not None:
            self._service.metrics.hit(version.number, remembered.stored.cost)
            await self._send(remembered.stored, remembered.headers, scope, send, began)
            return True
        question = _question(request, head_at)
        if question is None:
            return False
        budget = Budget(self._service.redis_seconds)
        reply = await self._service.cached(question, lease, version, budget)
        if reply is None:
            scope[BUDGET] = budget
            return False
        self._service.metrics.hit(version.number, reply.result.stored.cost)
        await self._send(reply.result.stored, _encoded(reply), scope, send, began)
        await self._service.remember(question, reply)
        return True

    async def _send(
        self, stored: Stored, known: Headers, scope: Scope, send: Send, began: float
    ) -> None:
        seconds = time.perf_counter() - began
        body = stored.reply(seconds, from_cache=True)
        headers = [
            (b"content-type", b"application/json"),
            *known,
            (b"content-length", b"%d" % len(body)),
            (b"server-timing", b"total;dur=%.1f" % (seconds * 1000)),
            (b"x-request-id", request_id_of(scope)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        metrics = self._service.metrics
        metrics.queries.inc()
        metrics.query_seconds.observe(seconds)


def _encoded(reply: Reply) -> Headers:
    return tuple((name.encode(), value.encode()) for name, value in reply.headers)


def _question(request: bytes, head_at: float) -> Question | None:
    """The question in a body; None where it is refused (in words, further on) or not cached."""
    try:
        body = QueryRequest.model_validate_json(request)
    except ValidationError:
        return None
    if not body.use_cache:
        return None
    return Question(body.question, body.filters, True, head_at, request)  # noqa: FBT003


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

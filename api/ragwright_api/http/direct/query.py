"""The route POST /api/rag/query, from a request's body to its reply.

It is placed before FastAPI and not in it, because FastAPI's work before its first middleware makes
a cached answer cost a quarter more. Answers of the fast path are counted like others, but have no
line in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ragwright_api.answering.fast_path import Missed
from ragwright_api.answering.reply import Reply
from ragwright_api.http.ports import Public
from ragwright_api.http.refusals import REFUSED, Refusals
from ragwright_api.http.request_log import REQUEST_ID, request_id_of
from ragwright_api.http.requests import JSON, is_json, read_query
from ragwright_api.http.responses import send_answer
from ragwright_api.http.wire.bodies import read_body
from ragwright_api.http.wire.caller import unless_gone
from ragwright_api.tasks.background import Background

_PLAIN_JSON = (b"content-type", JSON.encode())


@dataclass(frozen=True)
class QueryRoute:
    """`logged` wraps an application in the request log."""

    public: Public
    refusals: Refusals
    logged: Callable[[ASGIApp], ASGIApp]
    background: Background = field(default_factory=Background)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head_at, began = self.public.clock(), time.perf_counter()
        try:
            body = await read_body(receive)
            recalled = self._recall(scope, body, head_at)
            found = recalled or await self._look_up(scope, body, head_at)
        except Exception as error:
            await self.logged(partial(self._fail, error))(scope, receive, send)
            return
        if isinstance(found, Missed):
            await self.logged(partial(self._work, found, body))(scope, receive, send)
            return
        seconds = time.perf_counter() - began
        await send_answer(send, found, {"total": seconds}, [(REQUEST_ID, request_id_of(scope))])
        self.public.metrics.queries.inc()
        self.public.metrics.query_seconds.observe(seconds)
        if recalled is None:
            await self.public.ask.known.remember(body, found)

    def _recall(self, scope: Scope, body: bytes, head_at: float) -> Reply | None:
        return self.public.fast.recall(body, head_at) if is_json(_content_type(scope)) else None

    async def _look_up(self, scope: Scope, body: bytes, head_at: float) -> Reply | Missed:
        """Look for a known answer. Raises the errors that `REFUSED` names."""
        question = read_query(_content_type(scope), body).asked(self.public.own)
        return await self.public.fast.look_up(question, head_at)

    async def _fail(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(error, REFUSED):
            raise error
        await self.refusals.reply(Request(scope), error)(scope, receive, send)

    async def _work(
        self, missed: Missed, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.public.metrics.queries.inc()
        try:
            with self.public.metrics.query_seconds.time():
                asked = self.public.ask.answer(missed)
                reply = await unless_gone(self.background, receive, asked)
        except REFUSED as error:
            await self._fail(error, scope, receive, send)
            return
        await send_answer(send, reply, reply.seconds, [])
        if missed.question.use_cache:
            await self.public.ask.known.remember(body, reply)


def _content_type(scope: Scope) -> str:
    headers = scope["headers"]
    if _PLAIN_JSON in headers:
        return JSON
    found = (value for name, value in headers if name == b"content-type")
    return bytes(next(found, b"")).decode("latin-1")

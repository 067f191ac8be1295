"""The route POST /api/rag/webhooks/<source>.

It is placed before FastAPI, because a push may be larger than what other routes take.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ragwright_api.http import routes
from ragwright_api.http.refusals import REFUSED, Refusals
from ragwright_api.http.responses import WebhookResponse
from ragwright_api.http.wire.bodies import read_body
from ragwright_api.webhooks.receive import MAX_BODY_BYTES, Taken, Webhooks

_STATUS = {"changed": 202, "repeated": 200, "ignored": 200}


@dataclass(frozen=True)
class WebhookRoute:
    """`logged` wraps an application in the request log."""

    webhooks: Webhooks
    refusals: Refusals
    logged: Callable[[ASGIApp], ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.logged(self._answer)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            taken = await self._take(scope, receive)
        except REFUSED as error:
            await self.refusals.reply(Request(scope), error)(scope, receive, send)
            return
        body = WebhookResponse(status=taken.outcome, message=taken.message)
        await JSONResponse(body.model_dump(), _STATUS[taken.outcome])(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> Taken:
        source = scope["path"].removeprefix(routes.WEBHOOKS)
        async with self.webhooks.place(source) as hook:
            body = await read_body(receive, MAX_BODY_BYTES)
            return await self.webhooks.take(hook, Headers(scope=scope), body)

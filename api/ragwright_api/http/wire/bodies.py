"""Reads a request's body, whose size is limited."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragwright_api.unanswered import CallerGoneError

MAX_BODY_BYTES = 64 * 1024


def _too_large(most: int = MAX_BODY_BYTES) -> HTTPException:
    return HTTPException(413, f"the body may have at most {most} bytes")


async def read_body(receive: Receive, most: int = MAX_BODY_BYTES) -> bytes:
    """The body of a request. Raises HTTPException(413) or CallerGoneError."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        more = message.get("more_body", False)
    return body


class Bounded:
    """Limits the size of bodies for an application, with or without a Content-Length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        left = -1 if announced.isdigit() and int(announced) > MAX_BODY_BYTES else MAX_BODY_BYTES

        async def bounded() -> Message:
            nonlocal left
            if left < 0:
                raise _too_large()
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _too_large()
            return message

        await self._app(scope, bounded, send)

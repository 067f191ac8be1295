"""What stands before every public request: its id and time, its bounds, its line in the log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragwright_api.logs import place

MAX_BODY_BYTES = 64 * 1024
_REQUEST_ID = re.compile(rb"[\w.:-]{1,64}")


def refusal(status: int, reason: str, message: str, retry_after: int | None = None) -> JSONResponse:
    """The body of every reply but 200: a word for programs, a sentence for people."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return JSONResponse({"error": reason, "message": message}, status, headers)


class Front:
    """`draining` says whether callers should leave for another replica; `on_fault` counts what
    should never happen."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Callable[[], float],
        draining: Callable[[], bool],
        log: Any,
        on_fault: Callable[[], None],
    ) -> None:
        self._app = app
        self._clock = clock
        self._draining = draining
        self._log = log
        self._on_fault = on_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head_at, began = self._clock(), time.perf_counter()
        headers = Headers(scope=scope)
        request_id = request_id_of(scope).decode()
        log = self._log.bind(request=request_id)
        scope.setdefault("state", {}).update(head_at=head_at, log=log)
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                reply = MutableHeaders(scope=message)
                reply["X-Request-Id"] = request_id
                if self._draining():
                    reply["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, _bounded(receive, headers), told)
        except Exception as error:
            log.error("fault", **place(error))
            self._on_fault()
            if not status:
                message = f"a fault in ragwright-api; its log has it as request {request_id}"
                await refusal(500, "internal", message)(scope, receive, told)
        spent = round((time.perf_counter() - began) * 1000, 1)
        log.info("request", path=scope["path"], status=status, ms=spent)


def request_id_of(scope: Scope) -> bytes:
    """The caller's own id where it fits, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return token_hex(16).encode()


def _bounded(receive: Receive, headers: Headers) -> Receive:
    """Raises HTTPException(413) once a body is too large, announced or not."""
    announced = headers.get("content-length", "0")
    left = MAX_BODY_BYTES

    async def bounded() -> Message:
        nonlocal left
        too_large = HTTPException(413, f"the body may have at most {MAX_BODY_BYTES} bytes")
        if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            raise too_large
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_large
        return message

    return bounded

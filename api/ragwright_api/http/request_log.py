"""Gives every public request that is computed its id and its line in the log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragwright_api.http.refusals import refusal
from ragwright_core.problems import place

REQUEST_ID = b"x-request-id"
# A path may have 64 KiB.
_LOGGED_PATH = 200
_USABLE_ID = re.compile(rb"[\w.:-]{1,64}")


class RequestLog:
    """`draining` says whether callers should move to another replica. `on_fault` counts errors that
    should never happen."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        draining: Callable[[], bool],
        log: Any,
        on_fault: Callable[[], None],
    ) -> None:
        self._app = app
        self._draining = draining
        self._log = log
        self._on_fault = on_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, request_id = time.perf_counter(), request_id_of(scope)
        log = self._log.bind(request=request_id.decode())
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                reply = MutableHeaders(scope=message)
                reply["X-Request-Id"] = request_id.decode()
                if self._draining():
                    reply["Connection"] = "close"
            await send(message)

        try:
            await self._app(_named(scope, request_id), receive, told)
        except Exception as error:
            log.error("fault", **place(error))
            self._on_fault()
            if not status:
                words = f"a fault in ragwright-api; its log has it as request {request_id.decode()}"
                await refusal(500, "internal", words)(scope, receive, told)
        spent = round((time.perf_counter() - began) * 1000, 1)
        log.info("request", path=scope["path"][:_LOGGED_PATH], status=status, ms=spent)


def request_id_of(scope: Scope) -> bytes:
    """The caller's own id if it is usable, else a new id."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _USABLE_ID.fullmatch(value):
            return bytes(value)
    return token_hex(16).encode()


def _named(scope: Scope, request_id: bytes) -> Scope:
    """The request with this id among its headers, as if a proxy had added it."""
    others = [header for header in scope["headers"] if header[0] != REQUEST_ID]
    return {**scope, "headers": [*others, (REQUEST_ID, request_id)]}

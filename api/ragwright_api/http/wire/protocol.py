"""A connection: uvicorn's, with bounds for whatever comes over it.

The parser keeps a header that has not ended, and copies it for each packet, so what a caller may
send without ending it must be bounded before the parser sees it. A request that comes in one packet
passes none of these checks but one comparison each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ragwright_api.http import routes
from ragwright_api.http.wire import last_words
from ragwright_api.http.wire.last_words import MAX_HEAD_BYTES, MAX_PIPELINED, LastWords
from ragwright_api.http.wire.offers import without_offer
from ragwright_api.webhooks.receive import MAX_BODY_BYTES as MAX_CALL_BYTES

# A packet is fed to the parser in pieces of this size, so that sizes are known this exactly.
_PIECE_BYTES = 16 * 1024
# A head, and a body of 64 KiB in chunks of one byte, each of which takes six.
_MAX_REQUEST_BYTES = MAX_HEAD_BYTES + 6 * 64 * 1024
# Those who call webhooks send no chunks of one byte.
_MAX_WEBHOOK_BYTES = MAX_HEAD_BYTES + 2 * MAX_CALL_BYTES
_WEBHOOKS = routes.WEBHOOKS.encode()
_DISCARD_SECONDS = 2.0

Refused = Callable[[str, int], None]


class _RefusedError(Exception):
    """Ends the parser's work from within one of its callbacks."""


class BoundedProtocol(HttpToolsProtocol):
    """Heads have a limited size, requests a limited time, and offers to speak another protocol are
    ignored. `on_refused` counts refusals."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        on_refused: Refused,
        request_seconds: float = last_words.REQUEST_SECONDS,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._on_refused = on_refused
        self._request_seconds = request_seconds
        self._reading: Literal["", "head", "body"] = ""
        # The bytes of the request that is being read, and at most one piece more.
        self._size = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._last_words: LastWords | None = None
        self._is_ending = False

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        # Until the first byte, a connection is as idle as between two requests.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        self._cancel_deadline()
        # Of pipelined requests, uvicorn tells only the last one that its caller has left.
        if self._answering is not None:
            self._leave(self._answering)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if len(data) <= _PIECE_BYTES:
            self._read(data)
        else:
            for start in range(0, len(data), _PIECE_BYTES):
                self._read(data[start : start + _PIECE_BYTES])
        if self._reading or self._is_idle:
            self._set_deadline()

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        last = self._answering
        return last is None or last.response_complete or last.disconnected

    def _read(self, data: bytes) -> None:
        while data and self._last_words is None and not self._is_ending:
            came = len(data)
            try:
                self.parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as offer:
                method, version = self.parser.get_method(), self.parser.get_http_version()
                head = without_offer(method, self.url, version, self.headers)
                data = head + data[offer.args[0] :]
                self._renew_parser()
            except httptools.HttpParserError:
                self._refuse(last_words.NOT_HTTP)
            self._size += came
            if self._reading:
                self._check_size()

    def _renew_parser(self) -> None:
        """The parser takes what follows an offer for another protocol; a new one does not."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _check_size(self) -> None:
        if self._reading == "head":
            if self._size > MAX_HEAD_BYTES + _PIECE_BYTES:
                self._refuse(last_words.HEAD_TOO_LARGE)
        elif self._size > self._most_bytes and not self.cycle.response_complete:
            self._refuse(last_words.BODY_TOO_LARGE)

    @property
    def _most_bytes(self) -> int:
        return _MAX_WEBHOOK_BYTES if self.url.startswith(_WEBHOOKS) else _MAX_REQUEST_BYTES

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._reading = "head"
        self._size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._size and _head_bytes(self.url, self.headers) > MAX_HEAD_BYTES:
            self._stop(last_words.HEAD_TOO_LARGE)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop(last_words.TOO_MANY_AT_ONCE)
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._stop(last_words.NO_TUNNEL)
            return
        super().on_headers_complete()
        self._reading = "body"
        # Trailers would be added to the headers of a request that is being answered.
        self.headers = []

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._reading = ""
        self._cancel_deadline()
        super().on_message_complete()

    def _stop(self, words: LastWords) -> None:
        self._refuse(words)
        raise _RefusedError

    # Time.

    def _set_deadline(self) -> None:
        if self._deadline is None and self._last_words is None and not self._is_ending:
            self._deadline = self.loop.call_later(self._request_seconds, self._time_is_up)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_is_up(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # it is we who do not read
            self._set_deadline()
        elif self._reading:
            self._refuse(last_words.TOO_SLOW)
        elif self._is_idle:
            self._close()

    # The replies.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._last_words is not None and self._is_idle:
            self._say(self._last_words)

    def _refuse(self, words: LastWords) -> None:
        """Read nothing more. The replies to earlier requests are sent before the last words."""
        if self._last_words is not None:
            return
        self._last_words = words
        self._on_refused(words.reason, words.status)
        self._cancel_deadline()
        if self._reading == "body":
            self._drop_unfinished()
        if self._is_idle and not self._is_ending:
            self._say(words)

    def _drop_unfinished(self) -> None:
        """The request whose body is being read will not be answered."""
        if self.cycle.response_started:  # it was answered before it was read
            self._close()
        elif self.cycle is self._answering:
            self._leave(self.cycle)
        else:
            self.pipeline.popleft()

    def _leave(self, cycle: RequestResponseCycle) -> None:
        """Tell whoever works on the reply that nobody waits for it."""
        if not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _say(self, words: LastWords) -> None:
        if not self.transport.is_closing():
            self.transport.write(words.raw)
            self._close()

    def _close(self) -> None:
        """Unread bytes in a socket that is closed would reset the connection, and what was written
        last could be lost. So what still comes is thrown away for a while."""
        if not self._is_ending and not self.transport.is_closing():
            self._is_ending = True
            self.flow.resume_reading()
            self.transport.write_eof()
            self.loop.call_later(_DISCARD_SECONDS, self.transport.close)


def _head_bytes(target: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """About the size of a head: its method and version are not counted."""
    return len(target) + sum(len(name) + len(value) + 4 for name, value in headers)

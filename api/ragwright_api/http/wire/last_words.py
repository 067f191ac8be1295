"""Replies to bytes that never become a request, after which the connection is closed."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import orjson

# The request line, the headers and the blank line.
MAX_HEAD_BYTES = 64 * 1024
# From the first byte of a request to its last. A caller inside a cluster needs milliseconds.
REQUEST_SECONDS = 10.0
# Requests that a caller sends without waiting for the replies to those before.
MAX_PIPELINED = 64


@dataclass(frozen=True)
class LastWords:
    """A refusal: `reason` is the body's `error` and a metric's label. `allow` are the methods that
    a status of 405 must name."""

    status: int
    reason: str
    message: str
    allow: str = ""

    @property
    def raw(self) -> bytes:
        """The whole reply."""
        body = orjson.dumps({"error": self.reason, "message": self.message})
        allow = f"allow: {self.allow}\r\n" if self.allow else ""
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"{allow}content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        return head.encode() + body


NOT_HTTP = LastWords(400, "invalid_request", "this is no HTTP/1.1 request that can be read")
NO_TUNNEL = LastWords(405, "not_allowed", "this is no proxy: CONNECT leads nowhere", "GET, POST")
TOO_SLOW = LastWords(408, "too_slow", "the request did not arrive in time; send it again")
BODY_TOO_LARGE = LastWords(413, "too_large", "the body, as it was sent, is too large")
HEAD_TOO_LARGE = LastWords(
    431,
    "head_too_large",
    f"the request line and its headers may have at most {MAX_HEAD_BYTES} bytes",
)
TOO_MANY_AT_ONCE = LastWords(
    429,
    "too_busy",
    f"at most {MAX_PIPELINED} requests may wait on one connection; read the replies, then ask on",
)

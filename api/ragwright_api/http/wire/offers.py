"""Offers to go on in another protocol, such as `Upgrade: h2c`, which a server may ignore (RFC 9110,
7.8). curl and Java's HttpClient make them with each first request.

The parser takes what follows such a head for the other protocol, so that the request would lose its
body. So the head is written again without the offer, and parsed again.
"""

from __future__ import annotations

from collections.abc import Iterable

_OFFER = frozenset((b"upgrade", b"http2-settings"))
Header = tuple[bytes, bytes]


def without_offer(method: bytes, target: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """The head of a request, without an offer."""
    kept = [
        (name, value if name != b"connection" else _without_tokens(value))
        for name, value in headers
        if name not in _OFFER
    ]
    lines = [
        b"%s %s HTTP/%s" % (method, target, version.encode()),
        *(b"%s: %s" % (name, value) for name, value in kept if value or name != b"connection"),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _without_tokens(connection: bytes) -> bytes:
    tokens = (token.strip() for token in connection.split(b","))
    return b", ".join(token for token in tokens if token and token.lower() not in _OFFER)

"""A reply's body: bounded, however it comes, and read as JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

from ragwright_core.endpoint.failure import EndpointError, Failure, Verdict

# Either header of a deflated body, or gzip's.
_ANY_HEADER = 47


async def read(parts: AsyncIterator[bytes], encoding: str, most: int) -> bytes:
    """At most `most` bytes, unpacked where they come packed. Raises EndpointError."""
    found = bytearray()
    async for piece in pieces(parts, encoding, most + 1):
        found += piece
    if len(found) > most:
        raise _unusable(f"more than {most >> 20} MiB")
    return bytes(found)


async def pieces(parts: AsyncIterator[bytes], encoding: str, most: int) -> AsyncIterator[bytes]:
    """The first `most` bytes, unpacked, as they come; the rest is not read. Raises
    EndpointError."""
    unpack, left = _unpacker(encoding), most
    async for part in parts:
        try:
            piece = unpack.decompress(part, left) if unpack else part[:left]
        except zlib.error:
            raise _unusable("a body that cannot be unpacked") from None
        left -= len(piece)
        yield piece
        if left <= 0:
            return


def _unpacker(encoding: str) -> Any:
    if encoding.strip().lower() in ("", "identity"):
        return None
    if encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(_ANY_HEADER)
    raise _unusable("a body in a packing that was not asked for")


def read_json(body: bytes) -> Any:
    """The value in a body with status 200. One that was cut off passes; one that never was JSON is
    unusable. Raises EndpointError."""
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not text:
        raise EndpointError(Failure(Verdict.PASSING, "an empty body"))
    if text[0] in "{[":
        raise EndpointError(Failure(Verdict.PASSING, "a body that is cut off, or no JSON"))
    raise _unusable("a web page" if text[0] == "<" else "a body that is no JSON")


def _unusable(words: str) -> EndpointError:
    return EndpointError(Failure(Verdict.UNUSABLE, words))

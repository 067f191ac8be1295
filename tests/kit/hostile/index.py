"""Pods that carry the labels of a pipeline's API and reply to `GET /index` with something else."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import repeat

from ragwright_core.report import IndexSummary

UID = "uid-of-docs"
Pieces = Callable[[str], Iterator[bytes]]  # from the address of a server that nobody may ask


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _whole(body: bytes, *headers: str, status: str = "200 OK") -> Pieces:
    return lambda _: iter([reply(body, *headers, status=status)])


def _flood(head: str, piece: bytes) -> Pieces:
    return lambda _: (part for parts in ([head.encode()], repeat(piece)) for part in parts)


def summary(**fields: object) -> bytes:
    return IndexSummary.model_validate(fields).model_dump_json().encode()


_OK = "HTTP/1.1 200 OK\r\n"
_MEBIBYTE = b" " * 2**20
_GOOD = summary(pipeline=UID)
# Each of these is to be taken for silence.
BEHAVIOURS: Mapping[str, Pieces] = {
    "an endless body": _flood(f"{_OK}Content-Length: 99999999999\r\n\r\n", _MEBIBYTE),
    "an endless body without a length": _flood(f"{_OK}\r\n", _MEBIBYTE),
    "endless chunks": _flood(
        f"{_OK}Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + _MEBIBYTE + b"\r\n"
    ),
    "endless headers": _flood(_OK, b"X-Header: " + b"x" * 900 + b"\r\n"),
    "an endless header": _flood(f"{_OK}X-Header: ", _MEBIBYTE),
    "a long header": _whole(_GOOD, f"X-Header: {'x' * 4000}"),
    "many headers": _whole(_GOOD, *(f"X-Header-{n}: {'x' * 900}" for n in range(100))),
    "an endless status line": _flood("HTTP/1.1 200 ", _MEBIBYTE),
    "a bomb of gzip": _whole(gzip.compress(b" " * 2**26), "Content-Encoding: gzip"),
    "a redirect": lambda other: iter([reply(b"", f"Location: {other}/index", status="302 Found")]),
    "another redirect": lambda other: iter([reply(b"", f"Location: {other}", status="307 X")]),
    "an empty object": _whole(b"{}"),
    "no uid": _whole(summary()),
    "another pipeline": _whole(summary(pipeline="uid-of-another")),
    "no JSON": _whole(b"<html>"),
    "a list": _whole(b"[]"),
    "a wrong type": _whole(b'{"pipeline": "uid-of-docs", "previous": "two"}'),
    "a deep document": _whole(b"[" * 60_000),
    "not UTF-8": _whole(b'{"pipeline": "\xff"}'),
    "an error": _whole(b"{}", status="500 Internal Server Error"),
    "an error with a summary": _whole(_GOOD, status="500 Internal Server Error"),
    "a long status line": _whole(_GOOD, status=f"200 {'x' * 4000}"),
    "no content": _whole(b"", status="204 No Content"),
    "no HTTP": lambda _: iter([b"SSH-2.0-OpenSSH_9.9\r\n"]),
    "nothing": lambda _: iter([]),
}


@asynccontextmanager
async def serving(pieces: Iterator[bytes], on_asked: Callable[[], None]) -> AsyncIterator[str]:
    """A server that answers each request with these pieces; the address is yielded."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            on_asked()
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"

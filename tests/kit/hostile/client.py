"""A caller who speaks HTTP badly, on purpose or by mistake: one row for each way to do so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

QUESTION = b'{"question": "What is the refund policy?"}'
QUERY = b"/api/rag/query"
MEBIBYTE = 2**20
# Between the packets of a caller who is slow; far less than what a server may wait.
PAUSE_SECONDS = 0.02

Sends = Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True)
class Row:
    """What is sent, and the statuses of all replies in their order. None at the end: the connection
    is closed."""

    name: str
    sends: Sends
    replies: tuple[int | None, ...]


def head(
    *lines: bytes, method: bytes = b"POST", target: bytes = QUERY, length: int | None = None
) -> bytes:
    """The head of a question's request, with more lines."""
    size = len(QUESTION) if length is None else length
    known = (b"host: api", b"content-type: application/json", b"content-length: %d" % size)
    kept = known if not any(b"transfer-encoding" in line for line in lines) else known[:2]
    return b"\r\n".join((method + b" " + target + b" HTTP/1.1", *kept, *lines, b"", b""))


WHOLE = head() + QUESTION
H2C = (
    b"connection: Upgrade, HTTP2-Settings",
    b"upgrade: h2c",
    b"http2-settings: AAMAAABkAARAAAAAAAIAAAAA",
)
CHUNKED = b"transfer-encoding: chunked"


def chunks(body: bytes, size: int) -> bytes:
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def packets(*parts: bytes, pause: float = PAUSE_SECONDS) -> Sends:
    """These bytes, each in a packet of its own."""

    async def sends() -> AsyncIterator[bytes]:
        for part in parts:
            yield part
            await asyncio.sleep(pause)

    return sends


def repeated(first: bytes, again: bytes, times: int, last: bytes = b"") -> Sends:
    """As fast as the other side reads."""

    async def sends() -> AsyncIterator[bytes]:
        yield first
        for _ in range(times):
            yield again
        yield last

    return sends


def dribbled(first: bytes, again: bytes = b"x") -> Sends:
    """A little in each packet, without an end."""

    async def sends() -> AsyncIterator[bytes]:
        yield first
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            yield again

    return sends


def bytewise(whole: bytes) -> Sends:
    return packets(*(whole[at : at + 1] for at in range(len(whole))), pause=0.0001)


HEADS = [
    Row("a header of 80 MB", repeated(b"GET / HTTP/1.1\r\nx: ", b"x" * MEBIBYTE, 80), (431, None)),
    Row("a target of 80 MB", repeated(b"GET /", b"x" * MEBIBYTE, 80), (431, None)),
    Row("a header's name of 8 MB", repeated(b"GET / HTTP/1.1\r\n", b"x" * MEBIBYTE, 8), (431, None)),
    Row("headers without an end", repeated(b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 10_000, 100), (431, None)),
    Row("a header just too large", packets(head(b"x: " + b"x" * 2**16) + QUESTION), (431, None)),
    Row("a header just small enough", packets(head(b"x: " + b"x" * 65_000) + QUESTION), (200,)),
    Row("many small headers", packets(head(*[b"x: y"] * 8_000) + QUESTION), (200,)),
    Row("a head in packets of one byte", bytewise(WHOLE), (200,)),
    Row("a slow head", dribbled(b"GET / HTTP/1.1\r\nx: "), (408, None)),
    Row("a head that stops", packets(b"GET / HTTP/1.1\r\nx: "), (408, None)),
    Row("half a method", packets(b"PO"), (408, None)),
    Row("nothing but line ends", dribbled(b"\r\n", b"\r\n"), (None,)),
]  # fmt: skip
BODIES = [
    Row("a slow body", dribbled(head(length=50_000)), (408, None)),
    Row("a body that stops", packets(head(), QUESTION[:9]), (408, None)),
    Row("a slow body to a route that is not there", dribbled(head(target=b"/x", length=9_000)), (404, None)),
    Row("a body in packets of one byte", bytewise(head() + QUESTION), (200,)),
    Row("a body of 50 MB", repeated(head(length=50 * MEBIBYTE), b"x" * MEBIBYTE, 50), (413,)),
    Row("a length beyond 64 bits", packets(head(length=2**70)), (400, None)),
    Row("a length that is none", packets(b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"), (400, None)),
    Row("two lengths", packets(head(b"content-length: 3") + QUESTION), (400, None)),
    Row("chunks of one byte", packets(head(CHUNKED) + chunks(QUESTION, 1)), (200,)),
    Row("chunks without an end", repeated(head(CHUNKED), b"400\r\n" + b"x" * 1024 + b"\r\n", 50_000), (413, None)),
    Row("slow chunks without an end", dribbled(head(CHUNKED), b"1\r\n \r\n"), (408, None)),
    Row("a chunk's extension without an end", repeated(head(CHUNKED) + b"1;", b"x" * MEBIBYTE, 30), (413, None)),
    Row("a broken chunk size", packets(head(CHUNKED) + b"zz\r\nx\r\n"), (400, None)),
    Row("a broken chunk size, later", packets(head(CHUNKED), b"1\r\n{\r\n", b"\0\r\n"), (400, None)),
    Row("a negative chunk size", packets(head(CHUNKED) + b"-1\r\nx\r\n"), (400, None)),
    Row("a chunk size beyond 64 bits", packets(head(CHUNKED) + b"f" * 17 + b"\r\nx\r\n"), (400, None)),
    Row("trailers", packets(head(CHUNKED) + chunks(QUESTION, 8)[:-2] + b"content-type: text/plain\r\n\r\n", WHOLE), (200, 200)),
    Row("a trailer without an end", repeated(head(CHUNKED) + b"1\r\n{\r\n0\r\nx: ", b"x" * MEBIBYTE, 30), (413, None)),
    Row("chunked and a length", packets(head(b"content-length: 42", CHUNKED) + QUESTION), (400, None)),
    Row("chunked twice", packets(head(b"transfer-encoding: chunked, chunked") + chunks(QUESTION, 9)), (400, None)),
    Row("expects to be told to go on", packets(head(b"expect: 100-continue"), QUESTION), (100, 200)),
    Row("expects, and sends nothing", packets(head(b"expect: 100-continue")), (100, 408, None)),
]  # fmt: skip
OFFERS = [
    Row("h2c, the body in the same packet", packets(head(*H2C) + QUESTION), (200,)),
    Row("h2c, the body in a later packet", packets(head(*H2C), QUESTION), (200,)),
    Row("h2c, the body in two packets", packets(head(*H2C) + QUESTION[:9], QUESTION[9:]), (200,)),
    Row("h2c, the head in two packets", packets(head(*H2C)[:60], head(*H2C)[60:] + QUESTION), (200,)),
    Row("h2c, all in packets of one byte", bytewise(head(*H2C) + QUESTION), (200,)),
    Row("h2c, a chunked body", packets(head(*H2C, CHUNKED) + chunks(QUESTION, 9)), (200,)),
    Row("h2c, without a body", packets(head(*H2C, method=b"GET", length=0)), (405,)),
    Row("h2c in each of three requests", packets((head(*H2C) + QUESTION) * 3), (200, 200, 200)),
    Row("h2c, then without", packets(head(*H2C) + QUESTION + WHOLE, WHOLE), (200, 200, 200)),
    Row("h2c, and to be closed", packets(head(b"connection: close", *H2C) + QUESTION), (200, None)),
    Row("h2c of HTTP/1.0", packets((head(*H2C) + QUESTION).replace(b"HTTP/1.1", b"HTTP/1.0")), (200, None)),
    Row("h2c, and a large head", packets(head(b"x: " + b"x" * 60_000, *H2C) + QUESTION), (200,)),
    Row("h2c, and too large a head", packets(head(b"x: " + b"x" * 66_000, *H2C) + QUESTION), (431, None)),
    Row("h2c, and a body that stops", packets(head(*H2C)), (408, None)),
    Row("h2c in capitals", packets(head(b"CONNECTION: upgrade", b"UPGRADE: H2C") + QUESTION), (200,)),
    Row("websocket", packets(head(b"connection: Upgrade", b"upgrade: websocket", b"sec-websocket-version: 13", b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==") + QUESTION), (200,)),
    Row("TLS within the connection", packets(head(b"connection: upgrade", b"upgrade: TLS/1.0") + QUESTION), (200,)),
    Row("HTTP/2 at once", packets(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(60)), (400, None)),
    Row("CONNECT", packets(b"CONNECT api:80 HTTP/1.1\r\nhost: api\r\n\r\nxxx"), (405, None)),
]  # fmt: skip
ODDITIES = [
    Row("three requests in one packet", packets(WHOLE * 3), (200, 200, 200)),
    Row("good, then none", packets(WHOLE + b"\0\0\0\r\n\r\n"), (200, 400, None)),
    Row("good, then a broken body", packets(WHOLE + head(CHUNKED) + b"zz\r\n"), (200, 400, None)),
    Row("good, then a slow head", packets(WHOLE + b"GET / HTTP/1.1\r\n"), (200, 408, None)),
    Row("a thousand requests at once", packets(WHOLE * 1_000), (*[200] * 65, 429, None)),
    Row("a method that is none", packets(b"BREW /pot HTTP/1.1\r\n\r\n"), (400, None)),
    Row("a method in small letters", packets(head(method=b"post") + QUESTION), (400, None)),
    Row("another method", packets(head(method=b"DELETE") + QUESTION), (405,)),
    Row("the target with its host", packets(head(target=b"http://api:8000" + QUERY) + QUESTION), (200,)),
    Row("the target with another host", packets(head(target=b"http://169.254.169.254" + QUERY) + QUESTION), (200,)),
    Row("the target without a path", packets(head(target=b"http://api:8000") + QUESTION), (400, None)),
    Row("the target *", packets(head(target=b"*", method=b"OPTIONS") + QUESTION), (404,)),
    Row("a target of letters beyond ASCII", packets(head(target="/fräge".encode()) + QUESTION), (400, None)),
    Row("a target that goes up", packets(head(target=b"/../../etc/passwd") + QUESTION), (404,)),
    Row("a target with %00", packets(head(target=QUERY + b"%00") + QUESTION), (404,)),
    Row("NUL in a header", packets(head(b"x: a\0b") + QUESTION), (400, None)),
    Row("NUL in a target", packets(head(target=b"/\0") + QUESTION), (400, None)),
    Row("NUL in a body", packets(head(length=18) + b'{"question": "\0"}\n'), (422,)),
    Row("nothing but NUL", packets(bytes(10_000)), (400, None)),
    Row("a folded header", packets(head(b"x: a\r\n b") + QUESTION), (400, None)),
    Row("a header without a name", packets(head(b": a") + QUESTION), (400, None)),
    Row("space before the colon", packets(head(b"x : a") + QUESTION), (400, None)),
    Row("bare line feeds", packets(b"GET /x HTTP/1.1\nhost: a\n\n"), (400, None)),
    Row("a version that is none", packets(b"GET /x HTTP/9.9\r\n\r\n"), (400, None)),
    Row("HTTP/0.9", packets(b"GET /\r\n"), (408, None)),
    Row("HTTP/1.0", packets(WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0")), (200, None)),
    Row("TLS", packets(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)), (400, None)),
    Row("Redis' protocol", packets(b"*1\r\n$4\r\nPING\r\n"), (400, None)),
]  # fmt: skip
TABLE = [*HEADS, *BODIES, *OFFERS, *ODDITIES]


async def replies(port: int, row: Row, seconds: float) -> tuple[int | None, ...]:
    """The statuses of the replies, until as many as expected have come, or the time is up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sending = asyncio.create_task(_send(row.sends(), writer))
    seen: list[int | None] = []
    try:
        async with asyncio.timeout(seconds):
            while len(seen) < len(row.replies) and (not seen or seen[-1] is not None):
                seen.append(await _status(reader))
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError) as error:
        raise AssertionError(
            f"{type(error).__name__} after the replies {seen}: {row.name}"
        ) from error
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()
    return tuple(seen)


async def _send(parts: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        async for part in parts:
            writer.write(part)
            await writer.drain()


async def _status(reader: asyncio.StreamReader) -> int | None:
    """The status of the next reply, or None if there is none. Raises ConnectionError."""
    line = await reader.readline()
    if not line:
        return None
    length = 0
    while (header := await reader.readline()).strip():
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return int(line.split()[1])

"""The responses of the public port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import orjson
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Send

from ragwright_api.answering.chunks import Chunks
from ragwright_api.answering.reply import Reply
from ragwright_api.index.lease import LiveVersion
from ragwright_api.webhooks.receive import Outcome
from ragwright_core.index.search.found import Found

RawHeaders = list[tuple[bytes, bytes]]


class QueryResponse(BaseModel):
    answer: str
    sources: list[str]
    from_cache: bool
    latency_ms: float


class Chunk(BaseModel):
    """`score` is the cosine of question and chunk; lines count from 1 in the document, and are null
    where its format has none."""

    source: str
    title: str
    text: str
    first_line: int | None
    last_line: int | None
    score: float


class RetrieveResponse(BaseModel):
    chunks: list[Chunk]


class WebhookResponse(BaseModel):
    """`changed`: the documents are looked at. `repeated` and `ignored`: the message says why
    not."""

    status: Outcome
    message: str


class InvalidateResponse(BaseModel):
    status: Literal["cache invalidated"]


async def send_answer(
    send: Send, reply: Reply, seconds: Mapping[str, float], others: RawHeaders
) -> None:
    """Send an answer. `seconds` are the durations of its parts at this moment."""
    body = reply.stored.sent(seconds["total"], from_cache=reply.from_cache)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *_headers(reply.version, seconds),
        *others,
    ]
    if reply.stale_seconds is not None:
        headers.append((b"x-ragwright-stale-seconds", b"%.0f" % reply.stale_seconds))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def response_of(chunks: Chunks) -> Response:
    body = orjson.dumps({"chunks": [_fields(item) for item in chunks.found]})
    response = Response(body, media_type="application/json")
    response.raw_headers.extend(_headers(chunks.version, {"total": chunks.seconds}))
    return response


def _headers(version: LiveVersion, seconds: Mapping[str, float]) -> RawHeaders:
    """Headers that say from which version the answer is, and how long each part took."""
    timing = ", ".join([f"{name};dur={part * 1000:.1f}" for name, part in seconds.items()])
    return [
        (b"x-ragwright-version", b"%d" % version.number),
        (b"x-ragwright-term", b"%d" % version.term),
        (b"server-timing", timing.encode()),
    ]


def _fields(found: Found) -> dict[str, str | int | float | None]:
    return {
        "source": found.reference,
        "title": found.title,
        "text": found.text,
        "first_line": found.first_line,
        "last_line": found.last_line,
        "score": found.score,
    }

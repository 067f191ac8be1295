"""Asks a pipeline's API, on its internal port, which version is live.

Any pod that carries the right labels may be the one that replies, so the reply is not trusted: it
is bounded, leads nowhere else, and must name the pipeline by its uid.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import aiohttp

from ragwright_core.model import Paths
from ragwright_core.names import Identity, PipelineName
from ragwright_core.report import IndexSummary

TIMEOUT = aiohttp.ClientTimeout(total=3, connect=1)
# The API holds the question for a minute.
HELD_TIMEOUT = aiohttp.ClientTimeout(total=75, connect=1)
LONGEST_REPLY = 64 * 2**10
LONGEST_HEADER = 2**10
MOST_HEADERS = 32
LONGEST_TAG = 64

Said = tuple[IndexSummary, Paths]
# Where a pipeline's internal port is reached.
Address = Callable[[PipelineName], str]


def within_the_cluster(pipeline: PipelineName) -> str:
    return pipeline.internal_url


async def ask_at(session: aiohttp.ClientSession, url: str) -> Said | None:
    """The summary, and its fields that this release does not know. None when the API is away or
    does not know what is live; the status then keeps its present values."""
    try:
        async with _get(session, url, TIMEOUT) as response:
            if response.status != 200:
                return None
            body = await _read(response.content)
            return None if body is None else IndexSummary.read(body)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError):
        return None


async def hear_at(session: aiohttp.ClientSession, url: str, after: str) -> str | None:
    """The tag of what webhooks have told: another than `after`, or the same after a minute. None
    when the API is away, or of a release that has none."""
    try:
        async with _get(session, url, HELD_TIMEOUT, {"after": after}) as response:
            return response.headers.get("etag", "")[:LONGEST_TAG] or None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


def _get(
    session: aiohttp.ClientSession,
    url: str,
    timeout: aiohttp.ClientTimeout,
    parameters: dict[str, str] | None = None,
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    return session.get(
        f"{url}/index",
        params=parameters,
        timeout=timeout,
        allow_redirects=False,
        auto_decompress=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
    )


def is_of(said: Said, pipeline: Identity) -> bool:
    """Whether the reply proves itself. One without a uid says nothing, not even that no version is
    live: it comes from a stranger, or from an API pod of an early release."""
    return said[0].pipeline == pipeline.uid


async def _read(content: aiohttp.StreamReader) -> bytes | None:
    """The body, or None if it is too long."""
    body = bytearray()
    async for piece in content.iter_chunked(LONGEST_REPLY):
        body += piece
        if len(body) > LONGEST_REPLY:
            return None
    return bytes(body)

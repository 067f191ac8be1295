"""Asks a pipeline's API, on its internal port, which version is live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from pydantic import ValidationError

from ragwright_core.names import PipelineName
from ragwright_core.report import IndexSummary

TIMEOUT = aiohttp.ClientTimeout(total=3, connect=1)

AskOver = Callable[[aiohttp.ClientSession, PipelineName], Awaitable[IndexSummary | None]]


async def ask_index(session: aiohttp.ClientSession, names: PipelineName) -> IndexSummary | None:
    """None when the API is away or does not know: status then keeps what it says."""
    return await ask_at(session, names.internal_url)


async def ask_at(session: aiohttp.ClientSession, url: str) -> IndexSummary | None:
    try:
        async with session.get(f"{url}/index", timeout=TIMEOUT) as response:
            if response.status != 200:
                return None
            return IndexSummary.model_validate_json(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValidationError):
        return None

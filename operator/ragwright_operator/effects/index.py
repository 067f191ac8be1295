"""Asks a pipeline's API, on its internal port, which version is live."""

from __future__ import annotations

import aiohttp
from pydantic import ValidationError

from ragwright_core.names import PipelineName
from ragwright_core.report import IndexSummary

TIMEOUT = aiohttp.ClientTimeout(total=3, connect=1)


async def ask_index(session: aiohttp.ClientSession, names: PipelineName) -> IndexSummary | None:
    """None when the API is away or does not know: status then keeps what it says."""
    try:
        async with session.get(f"{names.internal_url}/index", timeout=TIMEOUT) as response:
            if response.status != 200:
                return None
            return IndexSummary.model_validate_json(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValidationError):
        return None

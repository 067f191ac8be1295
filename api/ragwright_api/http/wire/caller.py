"""Work for a caller who may hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from ragwright_api.tasks.background import Background
from ragwright_api.unanswered import CallerGoneError

Result = TypeVar("Result")


async def unless_gone(
    background: Background, receive: Receive, work: Coroutine[Any, Any, Result]
) -> Result:
    """The result of `work`. If the caller hangs up, `work` is cancelled and CallerGoneError raised.
    The request's body must have been received before."""
    task, gone = background.start(work), background.start(_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise CallerGoneError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Whatever a caller sends: a reply in words, or the connection is closed, and others wait for
nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
import uvicorn

from ragwright_api.http.wire.last_words import REQUEST_SECONDS
from ragwright_api.http.wire.protocol import BoundedProtocol
from ragwright_api.main import Server
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, build, program, until
from tests.kit.hostile.client import TABLE, Row, replies
from tests.kit.port import Port

# A request must have come within this time in the first test, which is quicker than a real server.
SECONDS = 0.5


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """The public port without stores, on a socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        protocol = partial(BoundedProtocol, on_refused=lambda *_: None, request_seconds=SECONDS)
        config = uvicorn.Config(
            Port().app,
            http=protocol,  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
async def test_each_is_answered_or_closed_and_the_next_caller_is_answered(row: Row) -> None:
    async with listening() as port:
        assert await replies(port, row, 20) == row.replies
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            reply = await http.post("/api/rag/query", json={"question": "q"})
        assert reply.status_code == 200


async def test_the_probe_is_answered_within_a_second_while_all_of_them_come(
    pipeline: Pipeline,
) -> None:
    await build(pipeline, "r1", refunds="Refunds are paid within 14 days.")
    with program(pipeline) as api:
        await until(api.is_ready)
        port = int(api.url.rpartition(":")[2])
        attacks = asyncio.gather(*(replies(port, row, REQUEST_SECONDS + 20) for row in TABLE))
        async with httpx.AsyncClient(timeout=1.0) as http:
            while not attacks.done():
                assert (await http.get(f"{api.internal_url}/livez")).status_code == 200
                await asyncio.sleep(0.02)
        seen = dict(zip((row.name for row in TABLE), await attacks, strict=True))
        assert seen == {row.name: row.replies for row in TABLE}
        async with httpx.AsyncClient(base_url=api.url) as http:
            reply = await http.post("/api/rag/query", json={"question": QUESTION})
        assert reply.status_code == 200

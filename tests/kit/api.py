"""The query service against real stores: in this process, or as the real program."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from dev.loopback import API, LOOPBACK
from dev.stack import free_port
from ragwright_api.http.internal import create_internal_app
from ragwright_api.http.public import create_app
from ragwright_api.index.lease import boot_clock
from ragwright_api.settings import Settings
from ragwright_api.telemetry.logs import make_log
from ragwright_api.wiring import Runtime, runtime
from ragwright_core.cachekeys import response_key
from ragwright_core.serving import ServeSettings
from tests.integration.conftest import Pipeline

QUESTION = "What is the refund policy?"


class Clock:
    """The lease's clock. `pass_by` moves the time forward without waiting."""

    def __init__(self) -> None:
        self._offset = 0.0

    def __call__(self) -> float:
        return boot_clock() + self._offset

    def pass_by(self, seconds: float) -> None:
        self._offset += seconds


@dataclass
class Api:
    """A running service, its two ports and its log."""

    http: httpx.AsyncClient
    internal: httpx.AsyncClient
    running: Runtime
    log: io.StringIO

    async def post(self, question: str = QUESTION, **fields: Any) -> httpx.Response:
        return await self.http.post("/api/rag/query", json={"question": question, **fields})

    async def ask(self, question: str = QUESTION, **fields: Any) -> dict[str, Any]:
        response = await self.post(question, **fields)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def retrieve(self, question: str = QUESTION, **fields: Any) -> list[dict[str, Any]]:
        response = await self.http.post("/api/rag/retrieve", json={"question": question, **fields})
        assert response.status_code == 200, response.text
        chunks: list[dict[str, Any]] = response.json()["chunks"]
        return chunks

    async def is_ready(self) -> bool:
        return (await self.internal.get("/readyz")).status_code == 200

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels, or 0 if there are none yet."""
        identity = self.running.public.metrics.identity
        wanted = {"namespace": identity.namespace, "pipeline": identity.name, **labels}
        samples = (
            item for family in self.running.internal.registry.collect() for item in family.samples
        )
        return sum(
            item.value
            for item in samples
            if item.name == name and wanted.items() <= item.labels.items()
        )


def serve_settings(pipeline: Pipeline) -> ServeSettings:
    return ServeSettings.of(pipeline.identity, pipeline.spec, outside=pipeline.outside)


@contextlib.asynccontextmanager
async def serving(
    pipeline: Pipeline,
    *,
    clock: Callable[[], float] = boot_clock,
    key: Callable[..., str] = response_key,
    database_url: Callable[[], str] | None = None,
    redis_url: str | None = "",
    redis_seconds: float = 2.0,
) -> AsyncIterator[Api]:
    """The service in this process. If `redis_url` is None, it has no cache. Redis has more time
    than in production, so that a busy machine does not turn a hit into a miss."""
    cache_url = pipeline.stores.redis_url if redis_url == "" else redis_url
    settings = Settings(
        serve=serve_settings(pipeline),
        database_url=database_url or (lambda: pipeline.stores.database_url),
        cache_url=(lambda: cache_url) if cache_url else None,
        secrets=pipeline.folder / "secrets",
    )
    stream = io.StringIO()
    log = make_log(stream)
    async with runtime(
        settings,
        log,
        clock=clock,
        key=key,
        redis_seconds=redis_seconds,
        watch=unwatched,
        network=LOOPBACK,
    ) as running:
        public = create_app(running.public, log)
        internal = create_internal_app(running.internal)
        async with client(public) as http, client(internal) as inside:
            yield Api(http, inside, running, stream)


async def unwatched(*_: object) -> None:
    """Replaces the check of the model in tests that count the requests to an endpoint."""
    await asyncio.Event().wait()


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://api", timeout=httpx.Timeout(30)
    )


async def until(
    true: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = 60.0
) -> None:
    """Poll until a condition is true. A program takes 2 s of CPU to start, and 20 s of time on a
    machine that is busy with other tests."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def answers(cache: redis.Redis) -> list[bytes]:
    """The keys of the answers that stand in Redis, when none is being made or stored any more."""
    await until(lambda: not cache.keys("rag:*:turn"))
    keys: Any = cache.keys("rag:response:*")
    return list(keys)


async def build(pipeline: Pipeline, request: str, **texts: str) -> int:
    """Write documents, build and swap. Returns the number of the new live version."""
    pipeline.write(**texts)
    report = await asyncio.to_thread(pipeline.build, request)
    assert report.outcome == "swapped", report
    assert report.number is not None
    return report.number


@dataclass
class Program:
    """`ragwright-api` as a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    internal_url: str
    log_file: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    async def is_ready(self) -> bool:
        return await self.status() == 200

    async def status(self) -> int:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient() as http:
                reply = await http.get(f"{self.internal_url}/readyz")
                return reply.status_code
        return 0


@contextlib.contextmanager
def program(pipeline: Pipeline, *options: str, **environment: str) -> Iterator[Program]:
    """Start the program with the pipeline's stores, unless `environment` names others."""
    ports = free_port(), free_port()
    settings, log = pipeline.folder / "settings.json", pipeline.folder / f"api-{ports[0]}.log"
    settings.write_text(serve_settings(pipeline).model_dump_json())
    stores = {
        "VECTOR_DB_URL": pipeline.stores.database_url,
        "REDIS_URL": pipeline.stores.redis_url or "",
        "RAGWRIGHT_SETTINGS_FILE": str(settings),
    }
    command = [*API, "--host", "127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(ports[0]), "--internal-port", str(ports[1]), *options],
            env={**os.environ, **stores, **environment},
            stdout=output,
            stderr=output,
        )
    public, internal = (f"http://127.0.0.1:{port}" for port in ports)
    try:
        yield Program(process, public, internal, log)
    finally:
        process.kill()
        process.wait()


def server_processes(database_url: str) -> list[int]:
    """Process ids of a Postgres and of all it has started."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        postmaster = int(Path(f"/proc/{row[0]}/stat").read_text().rsplit(")", 1)[1].split()[1])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


@contextlib.contextmanager
def frozen(*processes: int) -> Iterator[None]:
    """Stop processes, so that they keep their connections but do not answer."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

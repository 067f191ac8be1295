"""Puts the service together, and keeps what runs beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from ragwright_api.answerers.base import Answerer
from ragwright_api.answerers.extractive import ExtractiveAnswerer
from ragwright_api.answerers.openai import OpenAIAnswerer
from ragwright_api.cache import Cache
from ragwright_api.database import Database, make_pool
from ragwright_api.lease import LeaseUnavailableError, LiveReader, boot_clock
from ragwright_api.metrics import Metrics
from ragwright_api.retrieval import Retrieval
from ragwright_api.service import Service
from ragwright_api.settings import Settings, UrlMissingError
from ragwright_api.singleflight import SingleFlight
from ragwright_core.cachekeys import response_key
from ragwright_core.embedding.make import make_embedder


@dataclass
class Runtime:
    """A running service and what its readiness waits for."""

    service: Service
    database: Database
    registry: CollectorRegistry
    settings: Settings
    started: bool = False
    stopping: bool = False

    def not_ready(self) -> str | None:
        """Readiness does not fall with Postgres or Redis: nobody would be left to say so."""
        if self.stopping:
            return "shutting down"
        if self.started:
            return None
        try:
            self.settings.database_url()
        except UrlMissingError as error:
            return str(error)
        return "the database has not told yet which version is live"

    async def _get_ready(self) -> None:
        """Confirm the pointer once and load the model; tried until it works."""
        while True:
            with suppress(LeaseUnavailableError, Exception):
                lease = await self.service.reader.lease(self.service.clock())
                if lease.version is not None:
                    await self.service.retrieval.warm(lease.version.descriptor.embedding)
                self.started = True
                return
            await asyncio.sleep(0.5)


@asynccontextmanager
async def runtime(
    settings: Settings,
    *,
    clock: Callable[[], float] = boot_clock,
    key: Callable[..., str] = response_key,
) -> AsyncIterator[Runtime]:
    """Open the pool and the cache, get ready in the background, and close all of it."""
    serve = settings.serve
    schema = serve.pipeline.names.schema
    registry = CollectorRegistry()
    metrics = Metrics(registry, serve.pipeline)
    pool = make_pool(settings.database_url, schema)
    database = Database(pool)
    cache = Cache(settings.cache_url, on_failure=metrics.redis_failures.inc)
    reader = LiveReader(database.read_lease, clock)
    service = Service(
        schema=schema,
        reader=reader,
        cache=cache,
        retrieval=Retrieval(
            database,
            cache,
            lambda descriptor: make_embedder(descriptor, settings.secrets),
            schema=schema,
            embedding_ttl=serve.cache.embedding_ttl_seconds,
        ),
        answerer=_answerer(settings),
        metrics=metrics,
        flights=SingleFlight(),
        top_k=serve.retrieval.top_k,
        answer_ttl=serve.cache.answer_ttl_seconds,
        clock=clock,
        key=key,
    )
    made = Runtime(service, database, registry, settings)
    await pool.open(wait=False)
    background = [
        asyncio.create_task(made._get_ready()),  # noqa: SLF001 - its own module
        asyncio.create_task(reader.keep_warm()),
    ]
    try:
        yield made
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await cache.close()
        await pool.close()


def _answerer(settings: Settings) -> Answerer:
    if settings.serve.llm.provider == "openai":
        return OpenAIAnswerer(settings.serve.llm, settings.secrets)
    return ExtractiveAnswerer()

"""Puts the service together, and keeps what runs beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from ragwright_api.account import Account
from ragwright_api.admission import Admission
from ragwright_api.answerers.base import Answerer
from ragwright_api.answerers.extractive import ExtractiveAnswerer
from ragwright_api.answerers.openai import OpenAIAnswerer
from ragwright_api.budget import BUDGET_SECONDS, Breaker
from ragwright_api.cache import Cache
from ragwright_api.database import Database
from ragwright_api.drift import Drift, Watch
from ragwright_api.invalidate import Invalidation
from ragwright_api.lease import LiveReader, boot_clock
from ragwright_api.memory import Memory
from ragwright_api.metrics import Metrics
from ragwright_api.readiness import Readiness
from ragwright_api.retrieval import EMBEDDING_SECONDS, Make, Retrieval
from ragwright_api.service import Service
from ragwright_api.settings import Settings
from ragwright_api.turns import PATIENCE, Turns
from ragwright_core.cachekeys import response_key
from ragwright_core.embedding import Embedder
from ragwright_core.embedding.make import make_embedder
from ragwright_core.index.descriptor import EmbeddingDescriptor


@dataclass(frozen=True)
class Runtime:
    """A running service."""

    service: Service
    database: Database
    invalidate: Invalidation
    readiness: Readiness
    drift: Drift
    account: Account
    registry: CollectorRegistry


@asynccontextmanager
async def runtime(  # noqa: PLR0913 - what a test looks into or replaces
    settings: Settings,
    log: Any,
    *,
    clock: Callable[[], float] = boot_clock,
    key: Callable[..., str] = response_key,
    redis_seconds: float = BUDGET_SECONDS,
    watch: Watch = Drift.watch,
) -> AsyncIterator[Runtime]:
    """Open the pool and the cache, get ready in the background, and close all of it. `watch` looks
    after the embedding model for as long as this lives."""
    serve = settings.serve
    schema = serve.pipeline.names.schema
    registry = CollectorRegistry()
    metrics = Metrics(registry, serve.pipeline)
    async with AsyncExitStack() as closing:
        database = Database(
            settings.pooled_url or settings.database_url,
            schema,
            pooled=settings.pooled_url is not None,
            replica=settings.replica_url,
            on_passed_over=metrics.passed_over.inc,
        )
        drift = Drift(metrics.embedding_cosine, log, clock)
        breaker = Breaker(clock)
        metrics.watch_redis(lambda: breaker.is_open)
        cache = Cache(
            settings.cache_url,
            closed=lambda: drift.changed,
            breaker=breaker,
            on_failure=metrics.redis_failures.inc,
            on_call=metrics.redis_seconds.observe,
        )
        reader = LiveReader(database.read_lease, clock)
        retrieval = Retrieval(database, cache, _make(settings), metrics, serve)
        answerer = _answerer(settings)
        invalidate = Invalidation(database.raise_epoch, reader, clock)
        turns, admission = Turns(cache, PATIENCE * redis_seconds), Admission(serve.load)
        metrics.watch(lambda: admission.in_flight, lambda: admission.waiting)
        account = Account(metrics.ledger, database.add_calls)
        for part in (database, cache, retrieval, answerer, reader, invalidate, turns):
            closing.push_async_callback(part.close)
        closing.push_async_callback(account.settle)
        service = Service(
            schema=schema,
            reader=reader,
            cache=cache,
            retrieval=retrieval,
            answerer=answerer,
            metrics=metrics,
            searching=serve.retrieval,
            answer_ttl=serve.cache.answer_ttl,
            clock=clock,
            key=key,
            redis_seconds=redis_seconds,
            memory=Memory(serve.cache.in_process_mebibytes * 2**20),
            admission=admission,
            turns=turns.run,
            closed=lambda: drift.changed,
            stale_if_error=serve.cache.stale_if_error_seconds,
        )
        readiness = Readiness(settings, service, log)
        await database.open()
        checking = watch(drift, database.read_sentences, retrieval.embedder)
        async with _beside(readiness.get_ready(), reader.keep_warm(), checking, account.keep()):
            yield Runtime(service, database, invalidate, readiness, drift, account, registry)


@asynccontextmanager
async def _beside(*work: Any) -> AsyncIterator[None]:
    """Run coroutines until the block ends."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _make(settings: Settings) -> Make:
    def make(descriptor: EmbeddingDescriptor) -> Embedder:
        made = make_embedder(descriptor, settings.secrets, deadline=EMBEDDING_SECONDS)
        if descriptor.provider == "embedded":
            asyncio.run(made.embed_queries(["a first text loads the model"]))
        return made

    return make


def _answerer(settings: Settings) -> Answerer:
    if settings.serve.llm.provider == "openai":
        return OpenAIAnswerer(settings.serve.llm, settings.secrets)
    return ExtractiveAnswerer()

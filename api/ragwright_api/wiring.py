"""Assembles the service, and runs the tasks beside the requests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from ragwright_api.answering.admission import Admission
from ragwright_api.answering.answerers.base import Answerer
from ragwright_api.answering.answerers.extractive import ExtractiveAnswerer
from ragwright_api.answering.answerers.openai import OpenAIAnswerer
from ragwright_api.answering.ask import Ask
from ragwright_api.answering.chunks import ChunkSearch
from ragwright_api.answering.fast_path import FastPath
from ragwright_api.answering.known import KnownAnswers, model_of
from ragwright_api.answering.make import Maker
from ragwright_api.caching.breaker import BUDGET_SECONDS, Breaker
from ragwright_api.caching.leftovers import Leftovers
from ragwright_api.caching.memory import Memory
from ragwright_api.caching.redis import Cache
from ragwright_api.caching.turns import PATIENCE, WAIT_SECONDS, Turns
from ragwright_api.http.ports import Internal, Public
from ragwright_api.http.readiness import Readiness
from ragwright_api.index.database import Database
from ragwright_api.index.drift import Drift, Watch
from ragwright_api.index.invalidation import Invalidation
from ragwright_api.index.lease import LiveReader, boot_clock
from ragwright_api.index.pushes import Pushes, PushWatch
from ragwright_api.retrieval.embedders import EMBEDDING_SECONDS, Embedders, Make
from ragwright_api.retrieval.retrieve import Retrieval
from ragwright_api.settings import Settings
from ragwright_api.telemetry.lasting import LastingSums
from ragwright_api.telemetry.metrics import Metrics
from ragwright_api.webhooks.receive import Webhooks
from ragwright_core.cachekeys import response_key
from ragwright_core.contract import llm_seconds
from ragwright_core.embedding import Embedder
from ragwright_core.embedding.make import make_embedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.network import Network
from ragwright_core.spec import Llm


@dataclass(frozen=True)
class Runtime:
    """A running service: its two ports, and the parts that tests look into."""

    public: Public
    internal: Internal
    embedders: Embedders
    lasting: LastingSums

    @property
    def readiness(self) -> Readiness:
        return self.internal.readiness


@asynccontextmanager
async def runtime(  # noqa: PLR0913 - what a test looks into or replaces
    settings: Settings,
    log: Any,
    *,
    clock: Callable[[], float] = boot_clock,
    key: Callable[..., str] = response_key,
    redis_seconds: float = BUDGET_SECONDS,
    watch: Watch = Drift.watch,
    network: Network | None = None,
) -> AsyncIterator[Runtime]:
    """Open the pools and the cache, get ready in the background, and close everything at the end.
    `watch` checks the embedding model for as long as the service runs. `network` is how endpoints
    are reached, by default as this machine sees it."""
    serve = settings.serve
    seen = network or Network.of(os.environ)
    reached = seen.allowing(serve.allowed_hosts).through(serve.outside)
    registry = CollectorRegistry()
    metrics = Metrics(registry, serve.pipeline)
    async with AsyncExitStack() as closing:
        database = _database(settings, metrics)
        reader = LiveReader(database.read_lease, clock)
        invalidate = Invalidation(
            database,
            reader,
            clock,
            remove_old=lambda: leftovers.remove(),  # noqa: PLW0108 - made later
        )
        drift = Drift(metrics.embedding_cosine, log, invalidate, clock)
        cache = _cache(settings, metrics, lambda: drift.changed, clock)
        leftovers = Leftovers(cache, serve.pipeline.names.schema, reader.epoch)
        embedders = Embedders(_make(settings, reached))
        retrieval = Retrieval(database, cache, embedders, metrics, serve)
        answerer = _answerer(settings, reached)
        turns = Turns(cache, PATIENCE * redis_seconds, longest_wait(serve.llm))
        admission = Admission(serve.load)
        metrics.watch(lambda: admission.in_flight, lambda: admission.waiting)
        lasting = LastingSums(metrics.ledger, database.add_calls)
        for part in (database, cache, embedders, answerer, reader, invalidate, turns):
            closing.push_async_callback(part.close)
        closing.push_async_callback(lasting.settle)
        known = KnownAnswers(
            schema=serve.pipeline.names.schema,
            cache=cache,
            memory=Memory(serve.cache.in_process_bytes),
            model=model_of(answerer.fingerprint, serve.retrieval),
            ttl=serve.cache.answer_ttl,
            closed=lambda: drift.changed,
            redis_seconds=redis_seconds,
            key=key,
        )
        maker = Maker(admission, retrieval, embedders, answerer, metrics)
        pushes = Pushes(database)
        readiness = Readiness(settings, reader, embedders, cache.problem, log)
        public = Public(
            fast=FastPath(reader, known, metrics, lambda: readiness.stopping),
            ask=Ask(reader, known, maker, metrics, turns.run, serve.cache.stale_if_error_seconds),
            search=ChunkSearch(reader, admission, retrieval, redis_seconds),
            invalidate=invalidate,
            own=serve.retrieval,
            webhooks=Webhooks(
                {hook.source: hook for hook in serve.webhooks},
                settings.secret,
                pushes.write,
                metrics,
            ),
            metrics=metrics,
            clock=clock,
            draining=lambda: readiness.stopping,
            token=settings.token,
        )
        await database.open()
        checking = watch(drift, database.read_sentences, embedders.get)
        async with _beside(readiness.get_ready(), reader.keep_warm(), checking, lasting.keep()):
            held = PushWatch(pushes.words, lambda: readiness.stopping)
            internal = Internal(serve.pipeline.uid, database, registry, readiness, drift, held)
            yield Runtime(public, internal, embedders, lasting)


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


def _database(settings: Settings, metrics: Metrics) -> Database:
    return Database(
        settings.pooled_url or settings.database_url,
        settings.serve.pipeline.names.schema,
        pooled=settings.pooled_url is not None,
        replica=settings.replica_url,
        on_passed_over=metrics.passed_over.inc,
    )


def _cache(
    settings: Settings, metrics: Metrics, closed: Callable[[], bool], clock: Callable[[], float]
) -> Cache:
    breaker = Breaker(clock)
    metrics.watch_redis(lambda: breaker.is_open)
    return Cache(
        settings.cache_url,
        closed=closed,
        breaker=breaker,
        on_failure=metrics.redis_failures.inc,
        on_call=metrics.redis_seconds.observe,
    )


def _make(settings: Settings, network: Network) -> Make:
    def make(descriptor: EmbeddingDescriptor) -> Embedder:
        made = make_embedder(
            descriptor, settings.secrets, network=network, deadline=EMBEDDING_SECONDS
        )
        if descriptor.provider == "embedded":
            asyncio.run(made.embed_queries(["a first text loads the model"]))
        return made

    return make


def _answerer(settings: Settings, network: Network) -> Answerer:
    if settings.serve.llm.provider == "openai":
        return OpenAIAnswerer(settings.serve.llm, settings.secrets, network)
    return ExtractiveAnswerer()


def longest_wait(llm: Llm) -> float:
    """The longest wait for an answer that another replica makes."""
    if llm.provider != "openai":
        return WAIT_SECONDS
    return WAIT_SECONDS + llm_seconds(llm.timeout_seconds)

"""Loads a build's documents until none is left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ragwright_core.embedding import EmbeddingChangedError
from ragwright_core.embedding.make import make_embedder
from ragwright_core.index.versions import Version, read_sentences
from ragwright_core.orders import BuildOrder
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.job import Job
from ragwright_ingest.loading.chunk import token_limit
from ragwright_ingest.loading.reuse import MODEL_CHANGED, require_same_model, reusable
from ragwright_ingest.loading.rows import Rows
from ragwright_ingest.loading.vectors import NoCache, RedisCache, VectorCache, Vectorizer
from ragwright_ingest.loading.worker import Worker
from ragwright_ingest.sources.open import OpenSources

ENDS_THE_VERSION = frozenset({Reason.SOURCE_CHANGED, Reason.EMBEDDING_CHANGED})


def load_documents(job: Job, order: BuildOrder, version: Version, opened: OpenSources) -> None:
    """Load the documents as one of the workers. Raises ProblemError, Embedding*Error."""
    sources = {source.name: source for source in order.spec.sources}
    descriptor, chunking = version.descriptor, order.spec.chunking
    sentences = read_sentences(job.connection, version.number)
    embedder = make_embedder(
        descriptor.embedding,
        job.around.folders.secrets,
        network=job.around.network,
        sentences=sentences,
    )
    reuse = reusable(job.connection, version)
    with _ending(job.connection, version), asyncio.Runner() as runner:
        try:
            worker = Worker(
                connection=job.connection,
                number=version.number,
                rows=Rows(job.connection, version.number, descriptor.embedding.dimensions),
                chunking=chunking,
                token_limit=token_limit(chunking, descriptor.embedding),
                source=lambda name: opened.open(sources[name], descriptor.revisions[name]),
                vectorizer=Vectorizer(
                    connection=job.connection,
                    embedder=embedder,
                    cache=_vector_cache(job, order, version),
                    reuse_from=reuse.versions,
                    runner=runner,
                ),
                after_step=job.around.after_step,
            )
            worker.run()
            runner.run(require_same_model(embedder, sentences))
        finally:
            runner.run(embedder.close())
    job.connection.execute(queries.MARK_LOADED, {"number": version.number})
    if reuse.model_changed:
        job.warnings.append(MODEL_CHANGED)


@contextmanager
def _ending(connection: Connection, version: Version) -> Iterator[None]:
    """End the version if the load cannot be finished correctly, so that the next attempt begins
    anew."""
    try:
        try:
            yield
        except EmbeddingChangedError:
            raise ProblemError(
                Reason.EMBEDDING_CHANGED,
                f"{version.descriptor.embedding.base_url} changed its model while version "
                f"{version.number} was built; it is built anew",
            ) from None
    except ProblemError as error:
        if error.problem.reason in ENDS_THE_VERSION:
            ended = {"number": version.number, "problem": error.problem.message}
            connection.execute(queries.END_FOR_CHANGED_SOURCE, ended)
        raise


def _vector_cache(job: Job, order: BuildOrder, version: Version) -> VectorCache:
    client = job.around.stores.cache()
    descriptor = version.descriptor.embedding
    if client is None or not descriptor.is_worth_caching:
        return NoCache()
    ttl = order.spec.cache.embedding_ttl_seconds
    return RedisCache(client, job.schema, descriptor, ttl)

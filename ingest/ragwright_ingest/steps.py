"""The load step: opens the stores, works on documents, and says what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg

from ragwright_core.embedding.base import Vectors
from ragwright_core.embedding.make import make_embedder
from ragwright_core.handover import BuildOrder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.drop import drop_surplus
from ragwright_core.index.versions import Version, mark_lost, read_version
from ragwright_core.index.views import join_views
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest import queries
from ragwright_ingest.bootstrap import bootstrap
from ragwright_ingest.chunk import token_limit
from ragwright_ingest.database import Connection, open_database
from ragwright_ingest.load import Worker
from ragwright_ingest.purge import open_cache, purge_vectors
from ragwright_ingest.reports import compared_with, report_of
from ragwright_ingest.reuse import MODEL_CHANGED, require_same_model, reusable
from ragwright_ingest.settings import Stores, read_secret
from ragwright_ingest.sources.open import Folders, OpenSources
from ragwright_ingest.vectors import NoCache, RedisCache, VectorCache, Vectorizer

AfterStep = Callable[[str], None]
ENDS_THE_VERSION = frozenset({Reason.SOURCE_CHANGED, Reason.EMBEDDING_CHANGED})


@dataclass(frozen=True)
class _Job:
    order: BuildOrder
    stores: Stores
    folders: Folders
    after_step: AfterStep


def load(
    order: BuildOrder, stores: Stores, folders: Folders, *, after_step: AfterStep = lambda _: None
) -> Report:
    """One worker of the load step. Raises ProblemError, Embedding*Error, psycopg.Error."""
    job, warnings = _Job(order, stores, folders, after_step), []
    connection, _ = open_database(stores.database_url, order.pipeline)
    with connection, closing(OpenSources(folders)) as opened:
        mark_lost(connection)
        build = bootstrap(connection, order, opened.open)
        after_step("listed")
        version = build.version
        if version.state == "building" and not build.unchanged:
            # What failed builds left behind, and nothing that answers questions.
            schema, reindex = order.pipeline.names.schema, order.spec.reindex
            drop_surplus(connection, schema, reindex, failed=True, tries=1)
            with suppress(psycopg.errors.LockNotAvailable):  # the index step asks again
                join_views(connection, schema, tries=1)
            _await_key(version.descriptor.embedding, folders)
            warnings = _work(job, connection, version, opened)
        found = read_version(connection, version.number)
        outcome = "unchanged" if build.unchanged else "loaded"
        against = found.number if build.unchanged else compared_with(connection, found)
        report = report_of(connection, found, outcome, against)
    seconds = {"load": round(found.load_seconds, 2)}
    return report.model_copy(update={"seconds": seconds, "warnings": warnings})


def _await_key(embedding: EmbeddingDescriptor, folders: Folders) -> None:
    if key := embedding.secret_ref:
        read_secret(
            folders.secrets / key.name / key.key,
            f"Secret {key.name} has no key {key.key}, or does not exist: create it, or correct "
            "embedding.secretRef",
            patience=folders.patience,
        )


def _work(job: _Job, connection: Connection, version: Version, opened: OpenSources) -> list[str]:
    """Load documents until none is left. Returns warnings."""
    sources = {source.name: source for source in job.order.spec.sources}
    descriptor = version.descriptor
    embedder = make_embedder(descriptor.embedding, job.folders.secrets)
    with asyncio.Runner() as runner:
        try:
            reuse = runner.run(reusable(connection, version, embedder))
            worker = Worker(
                connection=connection,
                number=version.number,
                dimensions=descriptor.embedding.dimensions,
                chunking=job.order.spec.chunking,
                token_limit=token_limit(job.order.spec.chunking, descriptor.embedding),
                source=lambda name: opened.open(sources[name], descriptor.revisions[name]),
                vectorizer=Vectorizer(
                    connection=connection,
                    embedder=embedder,
                    cache=_vector_cache(job, version, reuse.sentences),
                    reuse_from=reuse.versions,
                    runner=runner,
                ),
                after_step=job.after_step,
            )
            worker.run()
            runner.run(require_same_model(connection, version, embedder))
        except ProblemError as error:
            if error.problem.reason in ENDS_THE_VERSION:
                # What was begun cannot be ended as it should: the next attempt begins anew.
                ended = {"number": version.number, "problem": error.problem.message}
                connection.execute(queries.END_FOR_CHANGED_SOURCE, ended)
            raise
        finally:
            runner.run(embedder.close())
    connection.execute(queries.MARK_LOADED, {"number": version.number})
    return [MODEL_CHANGED] if reuse.model_changed else []


def _vector_cache(job: _Job, version: Version, sentences: Vectors) -> VectorCache:
    client = open_cache(job.stores.redis_url)
    descriptor = version.descriptor.embedding
    if client is None or not descriptor.is_dear:
        return NoCache()
    schema, ttl = job.order.pipeline.names.schema, job.order.spec.cache.embedding_ttl_seconds
    cache = RedisCache(client, schema, descriptor, ttl)
    if not cache.is_of_model(sentences) and purge_vectors(client, schema):
        return NoCache()  # what could not be purged must not be read
    return cache

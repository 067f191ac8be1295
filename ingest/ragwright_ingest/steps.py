"""What each command does: opens the stores, does its step, and says what it found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragwright_core.embedding.make import make_embedder
from ragwright_core.handover import BuildOrder
from ragwright_core.index.versions import (
    Version,
    mark,
    numbers_in,
    read_asked,
    read_live,
    read_version,
)
from ragwright_core.problems import ProblemError
from ragwright_core.report import Changes, Counts, Reason, Report
from ragwright_core.spec import Source
from ragwright_ingest import queries
from ragwright_ingest.bootstrap import bootstrap
from ragwright_ingest.database import Connection, open_database, reconnect
from ragwright_ingest.load import Worker
from ragwright_ingest.publish import Publisher
from ragwright_ingest.purge import open_cache
from ragwright_ingest.settings import Stores
from ragwright_ingest.sources.base import OpenSource
from ragwright_ingest.sources.open import open_source
from ragwright_ingest.vectors import NoCache, RedisCache, VectorCache, Vectorizer


@dataclass(frozen=True)
class Folders:
    """Where a Job finds what is mounted for it, and where it may write."""

    scratch: Path
    secrets: Path
    sources: Path

    def open(self, source: Source, revision: str | None) -> OpenSource:
        return open_source(
            source,
            scratch=self.scratch,
            secrets=self.secrets,
            mounted=self.sources,
            revision=revision,
        )


def load(order: BuildOrder, stores: Stores, folders: Folders) -> Report:
    """One worker of the load step. Raises ProblemError."""
    began = time.monotonic()
    connection, _ = open_database(stores.database_url, order.pipeline)
    with connection:
        opened = _Opened(folders)
        build = bootstrap(connection, order, opened.open)
        version = build.version
        if version.state == "building" and not build.unchanged:
            _work(connection, order, version, opened, _vector_cache(order, stores, version))
        report = _report(
            connection,
            read_version(connection, version.number),
            "unchanged" if build.unchanged else "loaded",
            against=read_live(connection).number,
        )
    return report.model_copy(update={"seconds": {"load": round(time.monotonic() - began, 2)}})


class _Opened:
    """Sources opened once: the worker that listed a repository need not clone it again."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self._sources: dict[str, OpenSource] = {}

    def open(self, source: Source, revision: str | None) -> OpenSource:
        if source.name not in self._sources:
            self._sources[source.name] = self.folders.open(source, revision)
        return self._sources[source.name]


def _work(
    connection: Connection,
    order: BuildOrder,
    version: Version,
    opened: _Opened,
    vector_cache: VectorCache,
) -> None:
    sources = {source.name: source for source in order.spec.sources}
    descriptor = version.descriptor
    with asyncio.Runner() as runner:
        worker = Worker(
            connection=connection,
            number=version.number,
            dimensions=descriptor.embedding.dimensions,
            chunking=order.spec.chunking,
            source=lambda name: opened.open(sources[name], descriptor.revisions[name]),
            vectorizer=Vectorizer(
                connection=connection,
                embedder=make_embedder(descriptor.embedding, opened.folders.secrets),
                cache=vector_cache,
                reuse_from=reusable_versions(connection, version),
                runner=runner,
            ),
        )
        try:
            worker.run()
        except ProblemError as error:
            if error.problem.reason == Reason.SOURCE_CHANGED:
                # What was listed can no longer be read: the next attempt needs a new listing.
                mark(connection, version.number, "failed")
            raise
    connection.execute(queries.MARK_LOADED, {"number": version.number})


def reusable_versions(connection: Connection, version: Version) -> tuple[int, ...]:
    """Live and kept versions whose vectors mean the same as this version's."""
    wanted = version.descriptor.embedding.fingerprint
    return tuple(
        number
        for number in numbers_in(connection, "live", "kept")
        if read_version(connection, number).descriptor.embedding.fingerprint == wanted
    )


def _vector_cache(order: BuildOrder, stores: Stores, version: Version) -> VectorCache:
    client = open_cache(stores.redis_url)
    descriptor = version.descriptor.embedding
    if client is None or descriptor.provider == "embedded":
        return NoCache()
    schema = order.pipeline.names.schema
    return RedisCache(client, schema, descriptor, order.spec.cache.embedding_ttl_seconds)


def index(
    order: BuildOrder,
    stores: Stores,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> Report:
    """Index, gates, swap, purge, drop. Raises ProblemError."""
    connection, pgvector = open_database(stores.database_url, order.pipeline)
    with connection:
        asked = read_asked(connection, order.request)
        if asked is None:
            raise ProblemError(Reason.INTERNAL, "nothing was loaded for this request: run load")
        version = read_version(connection, asked.number)
        previous = read_live(connection).number
        publisher = Publisher(
            connection=connection,
            connect=lambda: reconnect(stores.database_url, order.pipeline),
            cache=open_cache(stores.redis_url),
            order=order,
            pgvector=pgvector,
            wait=wait,
        )
        try:
            made = publisher.publish(version)
        except ProblemError as error:
            failed = read_version(connection, version.number)
            report = _report(connection, failed, "failed", against=previous)
            return report.model_copy(
                update={"problem": error.problem, "seconds": publisher.phases.seconds}
            )
        live = read_version(connection, version.number)
        report = _report(connection, live, "swapped", against=previous)
        publisher.drop_old(version.number)
    return report.model_copy(
        update={
            "swap": made,
            "previous": previous if made else None,
            "seconds": publisher.phases.seconds,
            "warnings": publisher.warnings,
        }
    )


def _report(
    connection: Connection, version: Version, outcome: str, *, against: int | None
) -> Report:
    """What stands in the version's row, and how its documents differ from those of `against`."""
    failed = connection.execute(queries.failed_documents(version.number))
    return Report.model_validate(
        {
            "outcome": outcome,
            "number": version.number,
            "shape": version.descriptor.shape,
            "source_revision": version.descriptor.source_revision[:500],
            "embedding_fingerprint": version.descriptor.embedding.fingerprint,
            "counts": Counts(
                documents=version.documents,
                failed=version.failed,
                chunks=version.chunks,
                embedded=version.embedded,
                reused=version.reused,
            ),
            "changes": _changes(connection, version.number, against),
            "failed_documents": [text[:150] for (text,) in failed],
        }
    )


def _changes(connection: Connection, number: int, against: int | None) -> Changes:
    if against is None or against == number:
        return Changes()
    row = connection.execute(queries.changes(number, against)).fetchone()
    assert row is not None
    return Changes(changed=row[0], new=row[1], gone=row[2])

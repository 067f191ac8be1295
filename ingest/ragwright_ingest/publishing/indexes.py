"""Builds the indexes for search by meaning and by words. The ANN index is built after the load,
which is five to ten times faster than before it."""

from __future__ import annotations

import psycopg

from ragwright_core.index import locks
from ragwright_core.index.layout import PARALLEL_PGVECTOR
from ragwright_core.index.version import indexes
from ragwright_core.index.versions import Version
from ragwright_ingest import queries
from ragwright_ingest.database import Connection


def build_indexes(
    connection: Connection,
    version: Version,
    *,
    memory_bytes: int,
    workers: int,
    pgvector: tuple[int, ...],
) -> list[str]:
    """Build every index of a version and ANALYZE; safe to run again. Returns warnings.

    A database runs one such build at a time, because the build uses the server's memory.
    """
    warnings = []
    if pgvector < PARALLEL_PGVECTOR and workers:
        warnings.append("pgvector is below 0.8.2 (CVE-2026-3172): the index is built serially")
        workers = 0
    with locks.advisory_lock(connection, locks.INDEX_BUILD):
        connection.execute(queries.set_build_memory(memory_bytes))
        try:
            _create_ann(connection, version, workers)
        except psycopg.errors.DiskFull:
            # 53100: a parallel build uses memory in /dev/shm, which may be small.
            warnings.append("too little shared memory for a parallel build: built serially")
            _create_ann(connection, version, 0)
        for statement in indexes.after_ann(version.number, version.descriptor):
            connection.execute(statement)
        connection.execute(queries.analyze(version.number))
    return warnings


def _create_ann(connection: Connection, version: Version, workers: int) -> None:
    connection.execute(queries.set_build_workers(workers))
    made = version.descriptor
    statement = indexes.create_ann(version.number, made.embedding.dimensions, made.layout)
    connection.execute(statement)

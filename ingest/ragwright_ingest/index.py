"""The ANN index, after the load and never before: then it is five to ten times faster. And text
search."""

from __future__ import annotations

import psycopg

from ragwright_core.index import text_search
from ragwright_core.index.layout import PARALLEL_PGVECTOR, advisory_lock
from ragwright_ingest import queries
from ragwright_ingest.database import Connection


def build_indexes(  # noqa: PLR0913 - each is a setting of the server's build
    connection: Connection,
    number: int,
    *,
    dimensions: int,
    language: str,
    memory_bytes: int,
    workers: int,
    pgvector: tuple[int, ...],
) -> list[str]:
    """Build every index of a version and ANALYZE; safe to run again. Returns warnings.

    One build at a time in a database: the memory is the server's. Without a language there is no
    text search: the load of an older release made no place for it.
    """
    warnings = []
    if pgvector < PARALLEL_PGVECTOR and workers:
        warnings.append("pgvector is below 0.8.2 (CVE-2026-3172): the index is built serially")
        workers = 0
    with advisory_lock(connection, "ragwright index build"):
        connection.execute(queries.set_build_memory(memory_bytes))
        try:
            _create(connection, number, dimensions, workers)
        except psycopg.errors.DiskFull:
            # 53100: a parallel build takes its memory from /dev/shm, which may be small.
            warnings.append("too little shared memory for a parallel build: built serially")
            _create(connection, number, dimensions, 0)
        connection.execute(queries.create_hash_index(number))
        connection.execute(queries.create_metadata_index(number))
        if language:
            create_text_search(connection, number)
        connection.execute(queries.analyze(number))
    return warnings


def create_text_search(connection: Connection, number: int) -> None:
    """What search by words takes, of chunks that are all there."""
    connection.execute(text_search.create_text_index(number))
    connection.execute(text_search.index_ids(number))
    connection.execute(text_search.create_lexemes(number))
    connection.execute(text_search.index_lexemes(number))
    connection.execute(text_search.analyze_lexemes(number))


def _create(connection: Connection, number: int, dimensions: int, workers: int) -> None:
    connection.execute(queries.set_build_workers(workers))
    connection.execute(queries.create_ann_index(number, dimensions))

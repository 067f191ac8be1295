"""The ANN index build: its settings, and what it does where shared memory is short."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.versions import Version
from ragwright_ingest.publishing.indexes import build_indexes


class Server:
    """Stands for a connection: remembers statements, and has too little shared memory."""

    closed = False

    def __init__(self, *, short_of_memory: bool) -> None:
        self.statements: list[str] = []
        self._short = short_of_memory
        self._workers = 0

    def execute(self, statement: Any, _: Any = None) -> None:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        self.statements.append(text)
        if "max_parallel_maintenance_workers" in text:
            self._workers = int(text.rsplit(" ", 1)[1])
        if "hnsw" in text and self._short and self._workers:
            raise psycopg.errors.DiskFull("could not resize shared memory segment")

    def having(self, words: str) -> list[str]:
        return [text for text in self.statements if words in text]


def version(language: str) -> Version:
    embedding = EmbeddingDescriptor(provider="embedded", model="any", dimensions=64)
    return Version(
        number=7,
        id="",
        state="building",
        descriptor=Descriptor(shape="", language=language, revisions={}, embedding=embedding),
        manifest="",
        planned_on=0,
        documents=0,
        failed=0,
        chunks=0,
        embedded=0,
        reused=0,
        verdicts=[],
        load_seconds=0.0,
    )


def build(
    server: Server,
    workers: int,
    pgvector: tuple[int, ...] = (0, 8, 5),
    language: str = "english",
) -> list[str]:
    return build_indexes(
        server,  # type: ignore[arg-type]
        version(language),
        memory_bytes=256 * 2**20,
        workers=workers,
        pgvector=pgvector,
    )


def test_workers_and_memory_as_ordered_one_build_at_a_time() -> None:
    server = Server(short_of_memory=False)

    assert build(server, workers=3) == []

    assert server.having("max_parallel") == ["SET max_parallel_maintenance_workers = 3"]
    assert server.having("maintenance_work_mem") == ["SET maintenance_work_mem = '262144kB'"]
    assert "pg_advisory_lock" in server.statements[0]
    assert "pg_advisory_unlock" in server.statements[-1]
    assert [len(server.having(kind)) for kind in ("hnsw", "gin (metadata", "(hash)")] == [1] * 3
    assert len(server.having("ANALYZE")) == 2
    assert len(server.having("gin (lexemes)")) == 1
    assert len(server.having("lexemes_v7")) == 3


def test_what_an_older_release_loaded_has_no_text_search() -> None:
    server = Server(short_of_memory=False)

    build(server, workers=0, language="")

    assert server.having("hnsw")
    assert not server.having("lexemes")


def test_short_of_shared_memory_it_is_built_serially() -> None:
    server = Server(short_of_memory=True)

    (warning,) = build(server, workers=2)

    assert "serially" in warning
    assert [text[-1] for text in server.having("max_parallel")] == ["2", "0"]
    assert len(server.having("hnsw")) == 2
    assert len(server.having('ANALYZE "chunks_v7"')) == 1


@pytest.mark.parametrize(("version", "workers"), [((0, 8, 1), "0"), ((0, 8, 2), "2")])
def test_parallel_builds_only_where_they_are_safe(version: tuple[int, ...], workers: str) -> None:
    server = Server(short_of_memory=False)

    warnings = build(server, workers=2, pgvector=version)

    assert server.having("max_parallel")[0].endswith(workers)
    assert bool(warnings) is (workers == "0")

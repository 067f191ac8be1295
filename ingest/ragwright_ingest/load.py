"""The load step: claim documents, parse, chunk, embed and copy, a batch a transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ragwright_core.embedding import TextRefusedError
from ragwright_core.index.vector_search import as_parameter
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Chunking
from ragwright_ingest import queries
from ragwright_ingest.chunk import Chunk, TokenLimit, chunks
from ragwright_ingest.database import Connection
from ragwright_ingest.parse import Parsed, UnreadableError, parse
from ragwright_ingest.sources.base import OpenSource
from ragwright_ingest.vectors import Vectorizer, Vectors

BATCH_CHUNKS = 100  # the seed's


@dataclass(frozen=True)
class Row:
    """A listed document, as it was claimed."""

    id: int
    source: str
    path: str
    hash: str
    url: str | None


@dataclass(frozen=True)
class Claimed:
    """A document that this worker holds, and what it was read to; `problem` where it could not."""

    row: Row
    parsed: Parsed | None
    chunks: list[Chunk]
    problem: str | None = None


@dataclass(frozen=True)
class Worker:
    """One of `parallelism` workers that share a version's documents."""

    connection: Connection
    number: int
    dimensions: int
    chunking: Chunking
    token_limit: TokenLimit | None
    source: Callable[[str], OpenSource]
    vectorizer: Vectorizer
    after_step: Callable[[str], None] = lambda _: None

    def run(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Work until every document of the version is done or failed.

        Others may still hold claims; a worker that died gives its back when its connection ends.
        Raises ProblemError: SUPERSEDED when another build was asked for meanwhile, SOURCE_CHANGED
        when another worker could not read what was listed.
        """
        while self._building():
            if self._batch():
                self.after_step("batch")
            elif self._pending() == 0:
                return
            else:
                pause(random.uniform(0.2, 0.6))

    def _building(self) -> bool:
        row = self.connection.execute(queries.READ_PROGRESS, [self.number]).fetchone()
        assert row is not None
        state, problem = row
        if problem is not None:
            raise ProblemError(Reason.SOURCE_CHANGED, problem)
        if state not in ("building", "ready", "live"):
            raise ProblemError(
                Reason.SUPERSEDED,
                f"version {self.number} is {state}: another build was asked for meanwhile; "
                "ask again to build anew",
            )
        return bool(state == "building")

    def _pending(self) -> int:
        row = self.connection.execute(queries.pending(self.number)).fetchone()
        assert row is not None
        return int(row[0])

    def _batch(self) -> bool:
        """One transaction: whatever kills it, its documents are pending again."""
        with self.connection.transaction():
            claimed = self._claim()
            if not claimed:
                return False
            claimed, found = self._embedded(claimed)
            self._copy(claimed, found.vectors)
            for item in claimed:
                self._finish(item)
            self.connection.execute(
                queries.ADD_COUNTS,
                {
                    "number": self.number,
                    "chunks": len(found.vectors),
                    "failed": sum(item.problem is not None for item in claimed),
                    "embedded": found.embedded,
                    "reused": found.reused,
                },
            )
        return True

    def _claim(self) -> list[Claimed]:
        claimed: list[Claimed] = []
        size = after = 0
        with self.connection.cursor(row_factory=class_row(Row)) as cursor:
            while size < BATCH_CHUNKS:
                row = cursor.execute(queries.claim(self.number), {"after": after}).fetchone()
                if row is None:
                    break
                claimed.append(self._read(row))
                size += max(1, len(claimed[-1].chunks))
                after = row.id
        return claimed

    def _read(self, row: Row) -> Claimed:
        content = self.source(row.source).read(row.path, row.hash)
        try:
            parsed = parse(row.path, content)
        except UnreadableError as error:
            return Claimed(row, None, [], str(error))
        return Claimed(row, parsed, chunks(parsed, self.chunking, self.token_limit))

    def _embedded(self, claimed: list[Claimed]) -> tuple[list[Claimed], Vectors]:
        """All at once. Where the endpoint refuses a text each document for itself, so that only
        the one that holds it has failed: the model has embedded the fixed sentences before."""
        try:
            return claimed, self.vectorizer.vectors([c for item in claimed for c in item.chunks])
        except TextRefusedError:
            alone = [self._alone(item) for item in claimed]
            return [item for item, _ in alone], Vectors.joined(found for _, found in alone)

    def _alone(self, item: Claimed) -> tuple[Claimed, Vectors]:
        try:
            return item, self.vectorizer.vectors(item.chunks)
        except TextRefusedError as error:
            return replace(item, chunks=[], problem=str(error)), Vectors.joined([])

    def _copy(self, claimed: list[Claimed], vectors: list[Any]) -> None:
        remaining = iter(vectors)
        with self.connection.cursor().copy(queries.copy_chunks(self.number)) as copy:
            copy.set_types(queries.chunk_types(self.dimensions))
            for item in claimed:
                for chunk in item.chunks:
                    vector = as_parameter(next(remaining), self.dimensions)
                    copy.write_row((*_columns(item, chunk), vector))

    def _finish(self, item: Claimed) -> None:
        self.connection.execute(
            queries.finish_document(self.number),
            {
                "id": item.row.id,
                "state": "failed" if item.problem else "done",
                "problem": item.problem,
                "title": item.parsed.title if item.parsed else "",
                "chunks": len(item.chunks),
            },
        )


def _columns(item: Claimed, chunk: Chunk) -> tuple[Any, ...]:
    assert item.parsed is not None
    row, parsed = item.row, item.parsed
    metadata = {
        **parsed.fields,
        "source": row.source,
        "path": row.path,
        "title": parsed.title,
        "format": parsed.format,
    }
    return (
        row.id, chunk.position, row.source, row.path, row.url, parsed.title,
        chunk.first_line, chunk.last_line, chunk.start, chunk.end, chunk.text, chunk.hash,
        Jsonb(metadata),
    )  # fmt: skip

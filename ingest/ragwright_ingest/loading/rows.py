"""Stores the rows of documents and of their chunks. What Postgres refuses fails one document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg.types.json import Jsonb

from ragwright_core.index.search.vector import as_parameter
from ragwright_core.index.version import tables
from ragwright_core.index.version.columns import CHUNKS, in_order
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.formats.base import Parsed
from ragwright_ingest.loading.chunk import Chunk
from ragwright_ingest.refusals import is_about_content, refused


@dataclass(frozen=True)
class Row:
    """The row of a listed document at the time it was claimed."""

    id: int
    source: str
    path: str
    mark: str
    url: str | None


@dataclass(frozen=True)
class Claimed:
    """A document that this worker holds, and its content, or a `problem` if it cannot be read."""

    row: Row
    parsed: Parsed | None
    chunks: list[Chunk]
    problem: str | None = None


_Document = tuple[Claimed, Sequence[Any]]


@dataclass(frozen=True)
class Rows:
    """The tables of one version."""

    connection: Connection
    number: int
    dimensions: int

    def store(self, claimed: Sequence[Claimed], vectors: Iterable[Any]) -> list[Claimed]:
        """Store documents with their chunks, for which `vectors` are in order. Returns what was
        stored: a document whose rows Postgres refuses has no chunks and a problem.

        The caller is in a transaction. Raises psycopg.Error for what concerns all documents.
        """
        remaining = iter(vectors)
        documents = [(item, [next(remaining) for _ in item.chunks]) for item in claimed]
        try:
            self._write(documents)
        except Exception as error:
            if not is_about_content(error):
                raise
            return [self._alone(document) for document in documents]
        return list(claimed)

    def _alone(self, document: _Document) -> Claimed:
        item, _ = document
        try:
            self._write([document])
        except Exception as error:
            if not is_about_content(error):
                raise
            item = replace(item, parsed=None, chunks=[], problem=refused(error))
            self._write([(item, [])])
        return item

    def _write(self, documents: Sequence[_Document]) -> None:
        """Write all rows or none."""
        with self.connection.transaction():
            self._copy(documents)
            for item, _ in documents:
                self._finish(item)

    def _copy(self, documents: Sequence[_Document]) -> None:
        with self.connection.cursor().copy(tables.copy_chunks(self.number)) as copy:
            copy.set_types(tables.chunk_types(self.dimensions))
            for item, vectors in documents:
                for chunk, vector in zip(item.chunks, vectors, strict=True):
                    stored = as_parameter(vector, self.dimensions)
                    copy.write_row(in_order(CHUNKS, {**_values(item, chunk), "embedding": stored}))

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


def _values(item: Claimed, chunk: Chunk) -> dict[str, Any]:
    """The values of a chunk's columns, by name, without its vector."""
    assert item.parsed is not None
    row, parsed = item.row, item.parsed
    metadata = {
        **parsed.fields,
        "source": row.source,
        "path": row.path,
        "title": parsed.title,
        "format": parsed.format.name,
    }
    return {
        "document": row.id,
        "position": chunk.position,
        "source": row.source,
        "path": row.path,
        "url": row.url,
        "title": parsed.title,
        "place": chunk.place.anchor,
        "first_line": chunk.place.first_line,
        "last_line": chunk.place.last_line,
        "start_offset": chunk.start,
        "end_offset": chunk.end,
        "text": chunk.text,
        "hash": chunk.hash,
        "metadata": Jsonb(metadata),
    }

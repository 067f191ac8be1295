"""Judges a version by its gates: measures it, asks it, and stores the verdicts in its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ragwright_core.embedding import (
    Embedder,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.search.found import Searched
from ragwright_core.index.versions import Version, read_pointer, read_version
from ragwright_core.orders import SwapSpec
from ragwright_core.report import Verdict
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.gates import rules as gates
from ragwright_ingest.gates.evidence import SCAN_IS_FINE, Searcher, ask

MakeEmbedder = Callable[[EmbeddingDescriptor], Embedder]


@dataclass(frozen=True)
class Judge:
    """`make` returns an embedder for a version's descriptor."""

    connection: Connection
    spec: SwapSpec
    make: MakeEmbedder

    def content(self, version: Version) -> list[Verdict]:
        """The gates that need no index. They are cheap, so they are judged before it is built."""
        dimensions = version.descriptor.embedding.dimensions
        with self.connection.cursor(row_factory=class_row(gates.Measured)) as cursor:
            [measured] = cursor.execute(
                queries.measure(version.number), {"dimensions": dimensions}
            ).fetchall()
        live = read_pointer(self.connection).number
        against = None if live in (None, version.number) else read_version(self.connection, live)
        live_chunks = against.chunks if against and against.state != "dropped" else None
        found = gates.of_content(measured, live_chunks, self.spec.reindex.gates)
        self._keep(version, measured, found)
        return found

    def index(self, version: Version, before: list[Verdict]) -> list[Verdict]:
        """All verdicts: those of `before`, and those of the gates that need the finished index.

        Raises Embedding*Error when golden questions cannot be embedded.
        """
        limits = self.spec.reindex.gates
        searched = Searched.of(version.number, version.descriptor)
        searcher = Searcher(self.connection, searched)
        chunks = read_version(self.connection, version.number).chunks
        found = [
            *before,
            gates.planner(chunks, uses_index=searcher.uses_index(), scan_is_fine=SCAN_IS_FINE),
            gates.recall(*searcher.recall(), limits.min_recall),
        ]
        if limits.golden_questions:
            found.append(gates.golden(self._ask(version), self.spec.retrieval.top_k))
        verdicts = Jsonb([item.model_dump() for item in found])
        self.connection.execute(
            queries.KEEP_VERDICTS, {"number": version.number, "verdicts": verdicts}
        )
        return found

    def moved(self, version: Version, live: int | None) -> list[str]:
        """Golden questions whose first source would change. None are listed if the live version's
        model is away, which is no reason to hold the new version back."""
        if live is None or not self.spec.reindex.gates.golden_questions:
            return []
        try:
            return gates.moved(self._ask(version), self._ask(read_version(self.connection, live)))
        except (EmbeddingUnavailableError, EmbeddingRejectedError):
            return []

    def _ask(self, version: Version) -> list[gates.Asked]:
        return ask(
            self.connection,
            version,
            self.make(version.descriptor.embedding),
            self.spec.reindex.gates.golden_questions,
            self.spec.retrieval,
        )

    def _keep(self, version: Version, measured: gates.Measured, found: list[Verdict]) -> None:
        counts = {"number": version.number, "failed": measured.failed, "chunks": measured.chunks}
        self.connection.execute(queries.KEEP_COUNTS, counts)
        verdicts = Jsonb([item.model_dump() for item in found])
        self.connection.execute(
            queries.KEEP_VERDICTS, {"number": version.number, "verdicts": verdicts}
        )

"""What the gates that need the finished index are judged by: the planner, recall, questions."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import tuple_row

from ragwright_core.cachekeys import normalize_question
from ragwright_core.embedding import Embedder
from ragwright_core.index import text_search
from ragwright_core.index.fusion import candidates, weights
from ragwright_core.index.vector_search import as_parameter, search
from ragwright_core.index.versions import Version
from ragwright_core.spec import GoldenQuestion, Retrieval
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.gates import Asked

SAMPLES = 100
NEAREST = 10
# Cosines of the same pair differ in the last digits between an index and a scan.
TIE = 1e-6
# The planner takes the index from between 1,000 and 2,000 chunks on, with hnsw.ef_search = 200 only
# above 3,000 (measured at 64 and 256 dimensions); below this bound it may prefer a scan of 4 ms.
SCAN_IS_FINE = 5_000


@dataclass(frozen=True)
class Searcher:
    """Searches one version by the very statements that questions are answered with: by meaning
    alone, which is what the ANN index is for."""

    connection: Connection
    number: int
    dimensions: int

    def nearest(self, vector: Any, limit: int, *, exact: bool = False) -> list[tuple[Any, ...]]:
        """Rows of core's `search`, nearest first."""
        statement = search(self.number, self.dimensions, exact=exact)
        with self.connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(statement, self._parameters(vector, limit)).fetchall()

    def uses_index(self) -> bool:
        """Whether the planner takes the ANN index."""
        samples = self.samples(1)
        statement = queries.explain(search(self.number, self.dimensions))
        row = self.connection.execute(statement, self._parameters(samples[0], NEAREST)).fetchone()
        assert row is not None
        return queries.ann_index(self.number) in _indexes(row[0][0]["Plan"])

    def recall(self) -> tuple[int, int]:
        """(found, wanted): of the nearest chunks of sampled vectors, how many the statement finds
        that an exact scan finds. Those as near as the last one count as found."""
        found = wanted = 0
        for vector in self.samples(SAMPLES):
            given = [row[-1] for row in self.nearest(vector, NEAREST)]
            exact = [row[-1] for row in self.nearest(vector, NEAREST, exact=True)]
            wanted += len(exact)
            found += sum(score >= exact[-1] - TIE for score in given)
        return found, wanted

    def samples(self, count: int) -> list[Any]:
        """Vectors of chunks, spread by the hashes of their texts."""
        rows = self.connection.execute(queries.sample_vectors(self.number), [count])
        return [vector for (vector,) in rows]

    def _parameters(self, vector: Any, limit: int) -> dict[str, Any]:
        plain = vector.to_numpy() if hasattr(vector, "to_numpy") else vector
        return {"vector": as_parameter(plain, self.dimensions), "limit": limit}


def _indexes(plan: dict[str, Any]) -> set[str]:
    below = (_indexes(child) for child in plan.get("Plans", []))
    return {plan.get("Index Name", "")}.union(*below)


def ask(
    connection: Connection,
    version: Version,
    embedder: Embedder,
    questions: Sequence[GoldenQuestion],
    retrieval: Retrieval,
) -> list[Asked]:
    """Each golden question, asked of a version. Raises Embedding*Error."""
    texts = [normalize_question(item.question) for item in questions]
    vectors = asyncio.run(_embed(embedder, texts))
    found = [
        _best(connection, version, vector, text, retrieval)
        for text, vector in zip(texts, vectors, strict=True)
    ]
    return [
        _asked(connection, version.number, question, rows)
        for question, rows in zip(questions, found, strict=True)
    ]


def _best(
    connection: Connection, version: Version, vector: Any, text: str, retrieval: Retrieval
) -> list[tuple[Any, ...]]:
    """Rows of what an answer to a question would be made from, best first."""
    language, limit = version.descriptor.language, retrieval.top_k
    dimensions = version.descriptor.embedding.dimensions
    searcher = Searcher(connection, version.number, dimensions)
    if not (retrieval.lexical_weight and language):
        return searcher.nearest(vector, limit)
    near = [row[0] for row in searcher.nearest(vector, candidates(limit))]
    statement = text_search.beside(version.number, dimensions)
    parameters = text_search.parameters(dimensions, vector, text, language, candidates(limit))
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement, parameters | {"near": near}).fetchall()
    return text_search.best(rows, weights(retrieval), limit)


async def _embed(embedder: Embedder, texts: Sequence[str]) -> Any:
    try:
        return await embedder.embed_queries(texts)
    finally:
        await embedder.close()


def _asked(
    connection: Connection, number: int, question: GoldenQuestion, rows: list[tuple[Any, ...]]
) -> Asked:
    # Columns 2 and 3 of both searches are path and url.
    sources = [{row[2], row[3]} for row in rows]
    rank = next((n for n, found in enumerate(sources, 1) if question.source in found), None)
    known = rank is not None or bool(
        connection.execute(queries.names_document(number), {"source": question.source}).fetchone()
    )
    return Asked(
        question=question.question,
        source=question.source,
        rank=rank,
        first=rows[0][2] if rows else "",
        known=known,
        nearest="" if known else _nearest(connection, number, question.source),
    )


def _nearest(connection: Connection, number: int, source: str) -> str:
    paths = [path for (path,) in connection.execute(queries.some_paths(number))]
    return next(iter(difflib.get_close_matches(source, paths, n=1, cutoff=0.3)), "")

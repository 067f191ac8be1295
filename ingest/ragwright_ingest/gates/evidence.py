"""Evidence for the gates that need the finished index: the planner, recall, golden questions."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import scalar_row

from ragwright_core.embedding import Embedder
from ragwright_core.index.search import vector
from ragwright_core.index.search.found import Found, Searched, Vector, Wanted
from ragwright_core.index.search.run import Statement, fetch, run
from ragwright_core.index.search.search import best
from ragwright_core.index.version.indexes import ann_name
from ragwright_core.index.versions import Version
from ragwright_core.spec import GoldenQuestion, Retrieval
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.gates.rules import Asked

SAMPLES = 100
NEAREST = 10
# An index and a scan compute cosines of the same pair that differ in the last digits.
TIE = 1e-6
# The planner begins to use the index between 1,000 and 2,000 chunks, and with hnsw.ef_search = 200
# only above 3,000 (measured at 64 and 256 dimensions). Below this bound it may prefer a scan, which
# takes 4 ms.
SCAN_IS_FINE = 5_000


@dataclass(frozen=True)
class Searcher:
    """Searches one version by meaning alone, which is the search that uses the ANN index."""

    connection: Connection
    version: Searched

    def uses_index(self) -> bool:
        """Whether the planner uses the ANN index."""
        [sample] = self.samples(1)
        parameters = vector.nearest(self.version, sample, NEAREST).parameters
        explained = queries.explain(vector.search(self.version))
        [plan] = fetch(self.connection, Statement(explained, parameters, scalar_row))
        return ann_name(self.version.number) in _indexes(plan[0]["Plan"])

    def recall(self) -> tuple[int, int]:
        """(found, wanted): for sampled vectors, how many of the nearest chunks of an exact scan the
        index finds, and how many there are. Chunks as near as the last one count as found."""
        found = wanted = 0
        for sample in self.samples(SAMPLES):
            given = self._scores(sample, exact=False)
            exact = self._scores(sample, exact=True)
            wanted += len(exact)
            found += sum(score >= exact[-1] - TIE for score in given)
        return found, wanted

    def samples(self, count: int) -> list[Vector]:
        """Vectors of chunks, sampled by the hashes of their texts."""
        sampled = Statement(
            queries.sample_vectors(self.version.number), {"count": count}, scalar_row
        )
        return [value.to_numpy() for value in fetch(self.connection, sampled)]

    def _scores(self, sample: Vector, *, exact: bool) -> list[float]:
        nearest = vector.nearest(self.version, sample, NEAREST, exact=exact)
        return [chunk.score for chunk in fetch(self.connection, nearest)]


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
    """Ask a version each golden question in the same way as callers do. Raises Embedding*Error."""
    searched = Searched.of(version.number, version.descriptor)
    wanted = [Wanted.of(retrieval, item.question) for item in questions]
    vectors = asyncio.run(_embed(embedder, [item.question for item in wanted]))
    found = [
        run(connection, best(searched, item, question))
        for item, question in zip(wanted, vectors, strict=True)
    ]
    return [
        _asked(connection, version.number, question, chunks)
        for question, chunks in zip(questions, found, strict=True)
    ]


async def _embed(embedder: Embedder, texts: Sequence[str]) -> Any:
    try:
        return await embedder.embed_queries(texts)
    finally:
        await embedder.close()


def _asked(
    connection: Connection, number: int, question: GoldenQuestion, found: Sequence[Found]
) -> Asked:
    named = ((chunk.path, chunk.url) for chunk in found)
    rank = next((n for n, names in enumerate(named, 1) if question.source in names), None)
    known = rank is not None or bool(
        connection.execute(queries.names_document(number), {"source": question.source}).fetchone()
    )
    return Asked(
        question=question.question,
        source=question.source,
        rank=rank,
        first=found[0].path if found else "",
        known=known,
        nearest="" if known else _nearest(connection, number, question.source),
    )


def _nearest(connection: Connection, number: int, source: str) -> str:
    paths = [path for (path,) in connection.execute(queries.some_paths(number))]
    return next(iter(difflib.get_close_matches(source, paths, n=1, cutoff=0.3)), "")

"""The load step: claims, parses, chunks, embeds and copies documents, a batch per transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from psycopg.rows import class_row

from ragwright_core.embedding import TextRefusedError
from ragwright_core.index.version.states import WANTED
from ragwright_core.problems import ProblemError, place
from ragwright_core.report import Reason
from ragwright_core.spec import Chunking
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.formats.find import known_formats
from ragwright_ingest.loading.chunk import TokenLimit, chunks
from ragwright_ingest.loading.rows import Claimed, Row, Rows
from ragwright_ingest.loading.vectors import Vectorizer, Vectors
from ragwright_ingest.sources.base import OpenSource
from ragwright_ingest.unreadable import UnreadableError

# Together with the witness (`embedding/openai.py`), a request holds 100 texts.
BATCH_CHUNKS = 99


@dataclass(frozen=True)
class Worker:
    """One of `parallelism` workers that share a version's documents."""

    connection: Connection
    number: int
    rows: Rows
    chunking: Chunking
    token_limit: TokenLimit | None
    source: Callable[[str], OpenSource]
    vectorizer: Vectorizer
    after_step: Callable[[str], None] = lambda _: None

    def run(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Work until every document of the version is done or failed.

        Other workers may still hold claims. The claims of a dead worker end with its connection.
        Raises ProblemError: SUPERSEDED when another build was requested meanwhile, SOURCE_CHANGED
        when another worker could not read a listed document.
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
        if state not in WANTED:
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
        """Load a batch in one transaction. If it is killed, its documents are pending again."""
        with self.connection.transaction():
            claimed = self._claim()
            if not claimed:
                return False
            claimed, found = self._embedded(claimed)
            claimed = self.rows.store(claimed, found.vectors)
            self.connection.execute(
                queries.ADD_COUNTS,
                {
                    "number": self.number,
                    "chunks": sum(len(item.chunks) for item in claimed),
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
        """Whatever is wrong with a document's content, it fails alone."""
        try:
            content = self.source(row.source).read(row.path, row.mark)
        except UnreadableError as error:
            return Claimed(row, None, [], str(error))
        try:
            parsed = known_formats().parse(row.path, content)
            return Claimed(row, parsed, chunks(parsed, self.chunking, self.token_limit))
        except UnreadableError as error:
            return Claimed(row, None, [], str(error))
        except Exception as error:
            structlog.get_logger().warning("cannot be read", path=row.path, **place(error))
            return Claimed(row, None, [], f"cannot be read ({type(error).__name__})")

    def _embedded(self, claimed: list[Claimed]) -> tuple[list[Claimed], Vectors]:
        """Embed all documents at once. If the endpoint refuses a text, embed each document alone,
        so that only the one with that text fails. The model itself works, because it has embedded
        the fixed sentences before."""
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

"""The index step: indexes, gates, the swap, and what follows it, in one pod."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import redis
from psycopg.types.json import Jsonb

from ragwright_core.handover import BuildOrder
from ragwright_core.index import swap as core_swap
from ragwright_core.index.drop import drop_surplus
from ragwright_core.index.layout import advisory_lock
from ragwright_core.index.versions import Version, numbers_in, read_live, read_version
from ragwright_core.index.views import write_views
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Swap
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.gates import Measured, failure, verdicts
from ragwright_ingest.index import build_indexes
from ragwright_ingest.purge import purge_answers

# A lease of 1 s (design section 6), and half a second for a read that was slow to arrive.
WAIT_AFTER_COMMIT_SECONDS = 1.5


@dataclass
class Phases:
    """Seconds spent by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)


@dataclass
class Publisher:
    """Brings a loaded version to life. Each method can be run again after a kill at any line."""

    connection: Connection
    connect: Callable[[], Connection]
    cache: redis.Redis | None
    order: BuildOrder
    pgvector: tuple[int, ...]
    wait: Callable[[float], None] = time.sleep
    phases: Phases = field(default_factory=Phases)
    warnings: list[str] = field(default_factory=list)

    @property
    def _schema(self) -> str:
        return self.order.pipeline.names.schema

    def publish(self, version: Version) -> Swap | None:
        """From loaded to live. Returns the swap; None when an earlier run had made it.

        Raises ProblemError: GATE_FAILED, SUPERSEDED or STALE_TERM.
        """
        made = None
        if version.state != "live":
            planned_on = read_live(self.connection).term
            if version.state == "building":
                self._prepare(version)
            made = self._swap(version.number, planned_on)
        self.wait(WAIT_AFTER_COMMIT_SECONDS)
        if warning := purge_answers(self.cache, self._schema, version.id):
            self.warnings.append(warning)
        return made

    def drop_old(self, number: int) -> None:
        """Drop what is kept no longer; what a reader holds is left for the next build."""
        try:
            drop_surplus(self.connection, self._schema, self.order.spec.reindex.keep, before=number)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            self.warnings.append("a reader holds an old version: it is dropped after the next swap")

    def _prepare(self, version: Version) -> None:
        with self.phases.measure("index"):
            self.warnings += build_indexes(
                self.connection,
                version.number,
                dimensions=version.descriptor.embedding.dimensions,
                memory_bytes=self.order.index_memory_bytes,
                workers=self.order.spec.ingest.index_workers,
                pgvector=self.pgvector,
            )
        with self.phases.measure("gates"):
            self._pass_gates(version)
        with advisory_lock(self.connection, f"ragwright views {self._schema}"):
            write_views(self.connection, numbers_in(self.connection, "live", "kept", "ready"))

    def _pass_gates(self, version: Version) -> None:
        dimensions = version.descriptor.embedding.dimensions
        row = self.connection.execute(
            queries.measure(version.number), {"dimensions": dimensions}
        ).fetchone()
        assert row is not None
        measured = Measured(*row)
        live = read_live(self.connection).number
        live_chunks = None if live is None else read_version(self.connection, live).chunks
        results = verdicts(measured, live_chunks, self.order.spec.reindex.gates)
        problem = failure(results)
        self.connection.execute(
            queries.MARK_VERDICT,
            {
                "number": version.number,
                "state": "failed" if problem else "ready",
                "failed": measured.failed,
                "chunks": measured.chunks,
                "verdicts": Jsonb([item.as_json() for item in results]),
            },
        )
        if problem:
            raise ProblemError(Reason.GATE_FAILED, problem)

    def _swap(self, number: int, planned_on: int) -> Swap:
        row = self.connection.execute(queries.NEWEST).fetchone()
        if row is not None and row[0] > number:
            raise ProblemError(
                Reason.SUPERSEDED,
                f"version {row[0]} was begun after version {number}; the newer one is swapped in",
            )
        try:
            made = core_swap.swap(self.connect, number, planned_on)
        except core_swap.StaleTermError as error:
            raise ProblemError(Reason.STALE_TERM, f"{error}; the next attempt plans anew") from None
        return Swap(milliseconds=round(made.milliseconds, 2), attempts=made.attempts)

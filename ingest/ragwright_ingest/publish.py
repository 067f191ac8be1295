"""The index step: indexes, gates, the swap, and what follows it, in one pod."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
from psycopg.sql import Composed
from psycopg.types.json import Jsonb

from ragwright_core.handover import BuildOrder
from ragwright_core.index import swap as core_swap
from ragwright_core.index.drop import drop_surplus
from ragwright_core.index.layout import advisory_lock
from ragwright_core.index.versions import State, Version, read_live, read_version
from ragwright_core.index.views import cover_versions
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Swap
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.gates import Measured, Verdict, failure, verdicts
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
    after_step: Callable[[str], None] = lambda _: None
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
        if version.state == "building":
            self._prepare(version)
        elif version.state not in ("ready", "live"):
            raise _not_wanted(version)
        if version.state != "live":
            self._join_views()
            made = self._swap(version)
            self.after_step("swapped")
        self.wait(WAIT_AFTER_COMMIT_SECONDS)
        if warning := purge_answers(self.cache, self._schema, version.id):
            self.warnings.append(warning)
        self.after_step("purged")
        return made

    def drop_old(self) -> None:
        """Drop what is kept no longer; what a reader holds is left for the next build."""
        held = drop_surplus(self.connection, self._schema, self.order.spec.reindex.keep)
        if held:
            numbers = ", ".join(map(str, held))
            self.warnings.append(f"a reader holds version {numbers}: dropped after the next swap")

    def _prepare(self, version: Version) -> None:
        (pending,) = self._row(queries.pending(version.number))
        if pending:
            raise ProblemError(
                Reason.INTERNAL, f"{pending} documents are not loaded yet: run load to its end"
            )
        with self.phases.measure("gates"):
            problem = self._judge(version)
        with self.phases.measure("index"):
            if not problem:
                self.warnings += build_indexes(
                    self.connection,
                    version.number,
                    dimensions=version.descriptor.embedding.dimensions,
                    memory_bytes=self.order.index_memory_bytes,
                    workers=self.order.spec.ingest.index_workers,
                    pgvector=self.pgvector,
                )
        self.after_step("indexed")
        self._mark(version.number, "failed" if problem else "ready")
        if problem:
            raise ProblemError(Reason.GATE_FAILED, problem)
        self.after_step("ready")

    def _join_views(self) -> None:
        with advisory_lock(self.connection, f"ragwright views {self._schema}"):
            cover_versions(self.connection)
        self.after_step("joined")

    def _judge(self, version: Version) -> str | None:
        """Measure, keep the verdicts, and say what failed; cheap, so before the index is built."""
        dimensions = version.descriptor.embedding.dimensions
        measured = Measured(*self._row(queries.measure(version.number), {"dimensions": dimensions}))
        live = read_live(self.connection).number
        live_chunks = None if live is None else read_version(self.connection, live).chunks
        results = verdicts(measured, live_chunks, self.order.spec.reindex.gates)
        self.connection.execute(
            queries.KEEP_VERDICTS,
            {
                "number": version.number,
                "failed": measured.failed,
                "chunks": measured.chunks,
                "verdicts": Jsonb([item.as_json() for item in results]),
            },
        )
        return failure(results)

    def _mark(self, number: int, state: State) -> None:
        """From building to `state`, unless another build was asked for meanwhile."""
        done = self.connection.execute(queries.MARK_BUILT, {"number": number, "state": state})
        if done.rowcount == 0:
            raise _not_wanted(read_version(self.connection, number))

    def _swap(self, version: Version) -> Swap:
        try:
            made = core_swap.swap(self.connect, version.number, version.planned_on)
        except core_swap.StaleTermError as error:
            raise ProblemError(Reason.STALE_TERM, f"{error}; ask again to build anew") from None
        except core_swap.NotReadyError:
            raise _not_wanted(read_version(self.connection, version.number)) from None
        return Swap(milliseconds=round(made.milliseconds, 2), attempts=made.attempts)

    def _row(self, query: Composed, parameters: dict[str, Any] | None = None) -> tuple[Any, ...]:
        row = self.connection.execute(query, parameters).fetchone()
        assert row is not None
        return tuple(row)


def _not_wanted(version: Version) -> ProblemError:
    failed = failure([Verdict(**verdict) for verdict in version.verdicts])
    if version.state == "failed" and failed:
        return ProblemError(Reason.GATE_FAILED, failed)
    return ProblemError(
        Reason.SUPERSEDED,
        f"version {version.number} is {version.state}: another build or version was asked for "
        "meanwhile; ask again to build anew",
    )

"""From loaded to live: indexes, gates, the swap, and what follows it, in one pod."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

from ragwright_core.handover import BuildOrder, SwapOrder
from ragwright_core.index import swap as core_swap
from ragwright_core.index.drop import drop_surplus
from ragwright_core.index.versions import State, Version, read_live, read_version
from ragwright_core.index.views import join_views
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Swap, Verdict
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.gates import failed, failure
from ragwright_ingest.index import build_indexes
from ragwright_ingest.judge import Judge
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
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - began, 2)


@dataclass
class Publisher:
    """Brings a loaded version to life. Each method can be run again after a kill at any line.

    `override` names gates whose failure a person has accepted.
    """

    connection: Connection
    connect: Callable[[], Connection]
    cache: redis.Redis | None
    order: BuildOrder | SwapOrder
    judge: Judge
    pgvector: tuple[int, ...]
    override: Sequence[str] = ()
    wait: Callable[[float], None] = time.sleep
    after_step: Callable[[str], None] = lambda _: None
    phases: Phases = field(default_factory=Phases)
    warnings: list[str] = field(default_factory=list)

    @property
    def _schema(self) -> str:
        return self.order.pipeline.names.schema

    def prepare(self, version: Version) -> None:
        """From loaded to ready: indexes and gates. A version that failed just the overridden
        gates is taken up again. Raises ProblemError: GATE_FAILED or SUPERSEDED, and
        Embedding*Error."""
        if version.state == "building":
            self._refuse_unloaded(version.number)
        elif version.state == "failed" and self._is_overridden(version):
            pass
        elif version.state in ("ready", "kept", "live"):
            return
        else:
            raise not_wanted(version)
        with self.phases.measure("gates"):
            content = self.judge.content(version)
            self._refuse(version, content)
        with self.phases.measure("index"):
            self._build_indexes(version)
        self.after_step("indexed")
        # Before the verdict: whoever reads the views delays it, and nothing after it.
        join_views(self.connection, self._schema)
        with self.phases.measure("gates"):
            self._refuse(version, self.judge.index(version, content))
        self._mark(version.number, "ready", was=("building", "failed"))
        self.after_step("ready")

    def go_live(self, version: Version, planned_on: int) -> Swap | None:
        """The swap, and the wait until every answer comes from the new version. Returns None when
        an earlier run had made it. Raises ProblemError: SUPERSEDED or STALE_TERM."""
        made = None
        state = read_version(self.connection, version.number).state
        if state != "live" or read_live(self.connection).number != version.number:
            join_views(self.connection, self._schema)
            self.after_step("joined")
            made = self._swap(version, planned_on)
            self.after_step("swapped")
        self.wait(WAIT_AFTER_COMMIT_SECONDS)
        if warning := purge_answers(self.cache, self._schema, version.id):
            self.warnings.append(warning)
        self.after_step("purged")
        return made

    def drop_old(self) -> None:
        """Drop what is kept no longer; what a reader holds is left for the next build."""
        held = drop_surplus(self.connection, self._schema, self.order.spec.reindex)
        if held:
            numbers = ", ".join(map(str, held))
            self.warnings.append(f"a reader holds version {numbers}: dropped after the next swap")

    def _is_overridden(self, version: Version) -> bool:
        """Whether it failed gates, and just such as a person has accepted."""
        verdicts = [Verdict(**item) for item in version.verdicts]
        return bool(failed(verdicts)) and not failed(verdicts, self.override)

    def _refuse_unloaded(self, number: int) -> None:
        row = self.connection.execute(queries.pending(number)).fetchone()
        assert row is not None
        if row[0]:
            raise ProblemError(
                Reason.INTERNAL, f"{row[0]} documents are not loaded yet: run load to its end"
            )

    def _refuse(self, version: Version, verdicts: list[Verdict]) -> None:
        problem = failure(verdicts, self.override)
        if problem is None:
            return
        if version.state == "building":
            self._mark(version.number, "failed", was=("building",))
        raise ProblemError(Reason.GATE_FAILED, problem)

    def _build_indexes(self, version: Version) -> None:
        self.warnings += build_indexes(
            self.connection,
            version.number,
            dimensions=version.descriptor.embedding.dimensions,
            language=version.descriptor.language,
            memory_bytes=self.order.index_memory_bytes,
            workers=self.order.spec.ingest.index_workers,
            pgvector=self.pgvector,
        )

    def _mark(self, number: int, state: State, was: Sequence[State]) -> None:
        """To `state`, unless another build was asked for meanwhile."""
        values = {"number": number, "state": state, "was": list(was)}
        if self.connection.execute(queries.MARK_BUILT, values).rowcount == 0:
            raise not_wanted(read_version(self.connection, number))

    def _swap(self, version: Version, planned_on: int) -> Swap:
        try:
            made = core_swap.swap(self.connect, version.number, planned_on)
        except core_swap.StaleTermError as error:
            raise ProblemError(Reason.STALE_TERM, f"{error}; ask again to build anew") from None
        except core_swap.NotReadyError:
            raise not_wanted(read_version(self.connection, version.number)) from None
        return Swap(milliseconds=round(made.milliseconds, 2), attempts=made.attempts)


def not_wanted(version: Version) -> ProblemError:
    """Why a version can no longer go live by itself."""
    words = failure(Verdict(**item) for item in version.verdicts)
    if version.state == "failed" and words:
        return ProblemError(Reason.GATE_FAILED, words)
    return ProblemError(
        Reason.SUPERSEDED,
        f"version {version.number} is {version.state}: another build or version was asked for "
        "meanwhile; ask again to build anew",
    )

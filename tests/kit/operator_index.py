"""The database of a pipeline in memory, and what Jobs find and do in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ragwright_core.orders import BuildOrder, SwapOrder
from ragwright_core.report import (
    Counts,
    LiveVersionSummary,
    OtherVersion,
    Problem,
    Reason,
    Report,
    Swap,
    Verdict,
)
from ragwright_core.spec import shape_fingerprint

BEGIN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass
class Versions:
    """The next build fails the gates in `failed_gates`. With `same_documents`, a look finds those
    of the live version."""

    now: datetime = BEGIN
    same_documents: bool = False
    live: LiveVersionSummary | None = None
    #: While no version is live.
    term: int | None = 0
    previous: int | None = None
    others: list[OtherVersion] = field(default_factory=list)
    failed_gates: tuple[str, ...] = ()
    #: What webhooks have told, as the API says it.
    pushes: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _versions: dict[str, int] = field(default_factory=dict)
    _built: dict[int, LiveVersionSummary] = field(default_factory=dict)

    def report(self, step: str, order: BuildOrder) -> Report:
        if self.live and order.poll and self.same_documents:
            return self._common(order, self.live.number).model_copy(update={"outcome": "unchanged"})
        if order.request not in self._versions:
            self._versions[order.request] = next(self._numbers)
        number = self._versions[order.request]
        common = self._common(order, number)
        if step == "load":
            return common
        self._built[number] = self._index(common)
        if order.spec.reindex.approval == "Manual":
            ready = OtherVersion(number=number, state="ready", shape=common.shape, intact=True)
            self.others.insert(0, ready)
            return common.model_copy(update={"outcome": "ready"})
        return self._swapped(common, number, order.spec.reindex.keep)

    def _common(self, order: BuildOrder, number: int) -> Report:
        return Report(
            outcome="loaded",
            number=number,
            shape=shape_fingerprint(order.spec),
            source_revision="configMap 1",
            revisions={source.name: "1" for source in order.spec.sources},
            embedding_fingerprint="e",
            counts=Counts(documents=2, chunks=4, embedded=4),
        )

    def gates_report(self, order: BuildOrder) -> Report:
        """The report of an index Job whose version failed `failed_gates`."""
        report = self.report("load", order)
        assert report.number is not None
        self._built[report.number] = self._index(report)
        wrong = [Verdict(gate=gate, ok=False, want="1", got="2") for gate in self.failed_gates]
        update = {
            "outcome": "failed",
            "problem": failing(Reason.GATE_FAILED),
            "verdicts": [Verdict(gate="chunks", ok=True, want="1", got="4"), *wrong],
        }
        return report.model_copy(update=update)

    def _index(self, report: Report) -> LiveVersionSummary:
        assert report.number is not None
        return LiveVersionSummary(
            number=report.number,
            term=report.number,
            shape=report.shape,
            source_revision=report.source_revision,
            embedding_fingerprint="e",
            documents=2,
            chunks=4,
            swapped_at=(self.now - timedelta(seconds=10)).isoformat(),
        )

    def swap_report(self, order: SwapOrder) -> Report:
        if order.number is None:
            kept = [other.number for other in self.others if other.state == "kept"]
            gone = set(kept[order.spec.reindex.keep :]) - {order.spec.reindex.pin}
            self.others = [other for other in self.others if other.number not in gone]
            return Report(outcome="dropped")
        built = self._built[order.number]
        report = Report(
            outcome="swapped",
            number=order.number,
            shape=built.shape,
            source_revision=built.source_revision,
            embedding_fingerprint="e",
            counts=Counts(documents=2, chunks=4),
        )
        return self._swapped(report, order.number, order.spec.reindex.keep)

    def _swapped(self, report: Report, number: int, keep: int) -> Report:
        old = self.live
        self.previous = old.number if old else None
        term = (old.term if old else 0) + 1
        self.live = self._built[number].model_copy(update={"term": term, "intact": True})
        others = [other for other in self.others if other.number != number]
        if old is not None and old.number in self._built and old.intact:
            others.append(
                OtherVersion(number=old.number, state="kept", shape=old.shape, intact=True)
            )
        self.others = sorted(others, key=lambda other: -other.number)[:keep]
        swap = Swap(milliseconds=3, attempts=1)
        update = {"outcome": "swapped", "previous": self.previous, "swap": swap}
        return report.model_copy(update=update)


def failing(reason: Reason, message: str = "it does not work; mend it") -> Problem:
    return Problem(reason=reason, message=message)

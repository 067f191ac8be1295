"""What the operator remembers of a pipeline from round to round. It is stored in the status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ragwright_core.memory import Build, ChangedDocuments, KeptVersion, KnownSchedule, SwapTask
from ragwright_core.report import Report
from ragwright_core.status import HistoryEntry, Judged, LookedAt, PipelineStatus, WaitingVersion


@dataclass(frozen=True)
class Memory:
    """`changed`: documents are known to have changed since the last build looked at them. `podless`
    are controllers that want a pod and have none, with the moment since when. `went_live` is the
    report, read in this round, of a version that went live, or None."""

    build: Build | None
    swap: SwapTask | None
    waiting: WaitingVersion | None
    judged: Judged | None
    kept: list[KeptVersion]
    history: list[HistoryEntry]
    sources: list[LookedAt]
    schedule: KnownSchedule | None = None
    changed: ChangedDocuments | None = None
    podless: Mapping[str, datetime] = field(default_factory=dict)
    went_live: Report | None = None

    @classmethod
    def of(cls, status: PipelineStatus) -> Memory:
        return cls(
            build=status.operator.build,
            swap=status.operator.swap,
            waiting=status.index.waiting,
            judged=status.judged,
            kept=status.operator.kept,
            history=status.history,
            sources=status.sources,
            podless=status.operator.podless,
            schedule=status.operator.schedule,
            changed=status.operator.changed,
        )

    @property
    def running_build(self) -> Build | None:
        return self.build if self.build and self.build.outcome == "running" else None

    @property
    def running_swap(self) -> SwapTask | None:
        return self.swap if self.swap and self.swap.outcome == "running" else None

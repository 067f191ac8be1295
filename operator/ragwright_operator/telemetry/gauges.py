"""Gauges that show each pipeline's status. They are computed at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ragwright_core.status import PipelineStatus

OF_PIPELINE = ("namespace", "pipeline")
Place = tuple[str, str]
Value = Callable[[PipelineStatus], float]
Labels = Callable[[PipelineStatus], Iterable[str]]


class Gauges(Collector):
    """Holds the last status of each pipeline. After a restart, one look at a pipeline restores its
    gauges: they do not depend on having seen a change happen."""

    def __init__(self) -> None:
        self._statuses: dict[Place, PipelineStatus] = {}

    def put(self, place: Place, status: PipelineStatus) -> None:
        self._statuses[place] = status

    def forget(self, place: Place) -> None:
        self._statuses.pop(place, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        statuses = list(self._statuses.items())
        for name, (words, value) in _VALUES.items():
            family = GaugeMetricFamily(f"ragwright_{name}", words, labels=OF_PIPELINE)
            for place, status in statuses:
                family.add_metric(place, value(status))
            yield family
        for name, (words, label, labels) in _STATES.items():
            family = GaugeMetricFamily(f"ragwright_{name}", words, labels=(*OF_PIPELINE, label))
            for place, status in statuses:
                for found in labels(status):
                    family.add_metric((*place, found), 1)
            yield family


def _ready(status: PipelineStatus) -> float:
    return any(item.type == "Ready" and item.status == "True" for item in status.conditions)


def _live(status: PipelineStatus) -> float:
    return status.index.live.number if status.index.live else 0


def _documents(status: PipelineStatus) -> float:
    return status.index.live.documents if status.index.live else 0


def _chunks(status: PipelineStatus) -> float:
    return status.index.live.chunks if status.index.live else 0


def _swapped_at(status: PipelineStatus) -> float:
    return _seconds(status.index.live.swapped_at if status.index.live else None)


def _behind_since(status: PipelineStatus) -> float:
    """Since when the index is behind. A pinned or suspended pipeline does not count as behind."""
    build = status.operator.build
    on_purpose = any(
        item.type == "Pinned" or item.reason == "Suspended" for item in status.conditions
    )
    if build is None or on_purpose:
        return 0
    if build.outcome == "done" and status.index.waiting is None:
        return 0
    return _seconds(build.asked_at or build.started_at)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0


def _failing(status: PipelineStatus) -> Iterable[str]:
    # A failure is shown until an attempt succeeds, also while the next attempt runs.
    build = status.operator.build
    return [build.failure] if build and build.failure else []


def _failed_gates(status: PipelineStatus) -> Iterable[str]:
    return status.index.waiting.failed_gates if status.index.waiting else []


_VALUES: dict[str, tuple[str, Value]] = {
    "pipeline_ready": ("1 while a pipeline answers questions", _ready),
    "index_version": ("Number of the live version; 0: none yet", _live),
    "index_documents": ("Documents of the live version", _documents),
    "index_chunks": ("Chunks of the live version", _chunks),
    "index_swapped_at_seconds": ("When it went live, in Unix time", _swapped_at),
    "index_behind_since_seconds": (
        "When the build was asked for that is not live yet, in Unix time; 0: nothing waits",
        _behind_since,
    ),
}
_STATES: dict[str, tuple[str, str, Labels]] = {
    "build_failing": (
        "1 from a failed attempt until one ends well, with its reason",
        "reason",
        _failing,
    ),
    "gate_failed": ("1 while a version waits that failed this gate", "gate", _failed_gates),
}

"""The operator's own metrics, in a registry of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ragwright_core.status import BuildOutcome, PipelineStatus
from ragwright_operator.memory.history import entries_since
from ragwright_operator.telemetry.gauges import OF_PIPELINE, Gauges

_HOW = ("embedded", "reused")


@dataclass(frozen=True)
class Metrics:
    registry: CollectorRegistry
    reconciles: Counter
    reconcile_seconds: Histogram
    builds: Counter
    build_embeddings: Counter
    swap_seconds: Histogram
    pipelines: Gauge
    gauges: Gauges

    def observe(self, namespace: str, name: str, old: PipelineStatus, new: PipelineStatus) -> None:
        """Update the gauges, and count what this round changed."""
        self.gauges.put((namespace, name), new)
        # increase() cannot see the first event of a series that begins with it.
        for outcome in get_args(BuildOutcome):
            self.builds.labels(namespace, name, outcome)
        for how in _HOW:
            self.build_embeddings.labels(namespace, name, how)
        for entry in entries_since(old, new):
            self.builds.labels(namespace, name, entry.outcome).inc()
            self.build_embeddings.labels(namespace, name, "embedded").inc(entry.embedded)
            self.build_embeddings.labels(namespace, name, "reused").inc(entry.reused)
        if new.last_swap and new.last_swap != old.last_swap:
            self.swap_seconds.labels(namespace, name).observe(new.last_swap.milliseconds / 1000)

    def forget(self, namespace: str, name: str) -> None:
        self.gauges.forget((namespace, name))
        for metric in (self.builds, self.build_embeddings, self.swap_seconds):
            metric.remove_by_labels({"namespace": namespace, "pipeline": name})


def make_metrics() -> Metrics:
    registry, gauges = CollectorRegistry(), Gauges()
    registry.register(gauges)
    return Metrics(
        registry=registry,
        reconciles=Counter(
            "ragwright_reconciles",
            "Rounds of reconciliation: changed, unchanged or failed.",
            ("outcome",),
            registry=registry,
        ),
        reconcile_seconds=Histogram(
            "ragwright_reconcile_seconds", "Time that a round takes.", registry=registry
        ),
        builds=Counter(
            "ragwright_builds",
            "Attempts of builds: swapped, unchanged, ready, failed or superseded.",
            (*OF_PIPELINE, "outcome"),
            registry=registry,
        ),
        build_embeddings=Counter(
            "ragwright_build_embeddings",
            "Chunks of versions that were built: embedded, or with a vector reused.",
            (*OF_PIPELINE, "how"),
            registry=registry,
        ),
        swap_seconds=Histogram(
            "ragwright_swap_seconds",
            "Time of the swap's transaction.",
            OF_PIPELINE,
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        ),
        pipelines=Gauge(
            "ragwright_pipelines", "Pipelines that are looked after.", registry=registry
        ),
        gauges=gauges,
    )

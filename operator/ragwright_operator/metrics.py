"""The operator's own metrics, in a registry of their own."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ragwright_core.status import PipelineStatus

OF_PIPELINE = ("namespace", "pipeline")


@dataclass(frozen=True)
class Metrics:
    registry: CollectorRegistry
    reconciles: Counter
    reconcile_seconds: Histogram
    builds: Counter
    swap_seconds: Histogram
    pipelines: Gauge
    ready: Gauge

    def observe(self, namespace: str, name: str, old: PipelineStatus, new: PipelineStatus) -> None:
        """Count what this round brought."""
        self.ready.labels(namespace, name).set(
            any(item.type == "Ready" and item.status == "True" for item in new.conditions)
        )
        if new.history[:1] != old.history[:1]:
            entry = new.history[0]
            self.builds.labels(namespace, name, entry.outcome).inc()
            if entry.outcome == "swapped" and new.last_swap != old.last_swap and new.last_swap:
                self.swap_seconds.labels(namespace, name).observe(new.last_swap.milliseconds / 1000)

    def forget(self, namespace: str, name: str) -> None:
        self.ready.remove(namespace, name)


def make_metrics() -> Metrics:
    registry = CollectorRegistry()
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
            "Attempts of builds: swapped, unchanged, failed or superseded.",
            (*OF_PIPELINE, "outcome"),
            registry=registry,
        ),
        swap_seconds=Histogram(
            "ragwright_swap_seconds",
            "Time of the swap's transaction.",
            OF_PIPELINE,
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        ),
        pipelines=Gauge("ragwright_pipelines", "Pipelines under care.", registry=registry),
        ready=Gauge(
            "ragwright_pipeline_ready",
            "1 while a pipeline answers questions.",
            OF_PIPELINE,
            registry=registry,
        ),
    )

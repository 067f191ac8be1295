"""The service's metrics, each labelled with namespace and pipeline."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ragwright_api.telemetry.ledger import Cost, Ledger
from ragwright_api.telemetry.lookups import Lookups
from ragwright_core.names import Identity

_LABELS = ("namespace", "pipeline")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A question may spend 50 ms on Redis.
_REDIS_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0)


class Metrics:
    """Counters and histograms of one process, on a registry of its own."""

    def __init__(self, registry: CollectorRegistry, identity: Identity) -> None:
        self.registry = registry
        self.identity = identity
        self.queries = self._counter("queries", "Questions asked")
        self.lookups = Lookups(identity)
        self.ledger = Ledger(identity)
        registry.register(self.lookups)
        registry.register(self.ledger)
        self.retrieval_hits = self._counter(
            "retrieval_cache_hits", "Searches answered from the cache"
        )
        self.coalesced = self._counter("coalesced", "Questions that shared a computation")
        self.stale = self._counter(
            "stale_answers", "Answers of the last known version, while the database was away"
        )
        self.empty = self._counter("empty_retrievals", "Questions that found no chunk")
        self.passed_over = self._counter(
            "replica_passed_over", "Searches that a read replica could not answer"
        )
        self.redis_failures = self._counter("redis_failures", "Redis calls given up")
        self.redis_seconds = self._histogram(
            "redis_seconds", "One call of Redis, given up or not", _REDIS_BUCKETS
        )
        self._errors = Counter(
            "ragwright_errors",
            "Requests not answered as asked; those with a status of 500 and more are the service's",
            (*_LABELS, "reason", "status"),
            registry=registry,
        )
        self._webhooks = Counter(
            "ragwright_webhooks",
            "Calls of webhooks: changed, repeated, ignored (another branch or event) or refused",
            (*_LABELS, "source", "outcome"),
            registry=registry,
        )
        self.embedding_cosine = self._gauge(
            "embedding_cosine",
            "Lowest cosine of the live version's fixed sentences, embedded again (1: same model)",
        )
        self.query_seconds = self._histogram("query_seconds", "Whole question")
        self.retrieval_seconds = self._histogram("retrieval_seconds", "Embedding and search")
        self.llm_seconds = self._histogram("llm_seconds", "Making the answer from chunks")

    def watch(self, in_flight: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Show at each scrape how many questions are computed and how many wait."""
        self._gauge("questions_in_flight", "Questions being answered").set_function(in_flight)
        self._gauge("questions_waiting", "Questions that wait for that").set_function(waiting)

    def watch_redis(self, is_left_alone: Callable[[], bool]) -> None:
        """Show at each scrape whether the breaker is open."""
        gauge = self._gauge("redis_breaker_open", "1 while Redis is left alone after failures")
        gauge.set_function(lambda: float(is_left_alone()))

    def hit(self, version: int, cost: Cost) -> None:
        """Count an answer from a cache, and what it would have cost."""
        self.lookups.of(version).hits += 1
        self.ledger.saved.add(cost)

    def error(self, reason: str, status: int) -> None:
        identity = self.identity
        self._errors.labels(identity.namespace, identity.name, reason, str(status)).inc()

    def webhook(self, source: str, outcome: str) -> None:
        identity = self.identity
        self._webhooks.labels(identity.namespace, identity.name, source, outcome).inc()

    def _gauge(self, noun: str, words: str) -> Gauge:
        made = Gauge(f"ragwright_{noun}", words, _LABELS, registry=self.registry)
        return made.labels(self.identity.namespace, self.identity.name)

    def _counter(self, noun: str, words: str) -> Counter:
        made = Counter(f"ragwright_{noun}", words, _LABELS, registry=self.registry)
        return made.labels(self.identity.namespace, self.identity.name)

    def _histogram(self, noun: str, words: str, buckets: tuple[float, ...] = _BUCKETS) -> Histogram:
        made = Histogram(
            f"ragwright_{noun}", words, _LABELS, registry=self.registry, buckets=buckets
        )
        return made.labels(self.identity.namespace, self.identity.name)

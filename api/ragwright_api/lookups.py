"""Answers found in the caches and not found, by index version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ragwright_core.handover import Identity

# The live version, the one before, and one to look back at: the series of others go.
VERSIONS = 3


@dataclass
class Found:
    hits: int = 0
    misses: int = 0


class Lookups(Collector):
    """Plain numbers, told at a scrape: they are counted on the shortest way to an answer."""

    def __init__(self, identity: Identity) -> None:
        self._labels = (identity.namespace, identity.name)
        self._by_version: dict[int, Found] = {}

    def of(self, version: int) -> Found:
        """The counts of a version; the one that came first leaves when there are too many."""
        found = self._by_version.get(version)
        if found is None:
            found = self._by_version[version] = Found()
            if len(self._by_version) > VERSIONS:
                del self._by_version[next(iter(self._by_version))]
        return found

    def collect(self) -> Iterator[CounterMetricFamily]:
        labels = ("namespace", "pipeline", "version")
        hits = CounterMetricFamily(
            "ragwright_cache_hits", "Answers served from the caches", labels=labels
        )
        misses = CounterMetricFamily(
            "ragwright_cache_misses",
            "Answers looked for in the caches, not found, and computed",
            labels=labels,
        )
        for version, found in self._by_version.items():
            hits.add_metric((*self._labels, str(version)), found.hits)
            misses.add_metric((*self._labels, str(version)), found.misses)
        yield hits
        yield misses

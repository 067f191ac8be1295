"""Counts answers that were found in the caches, and those that were not, by index version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ragwright_core.names import Identity

# The live version, the previous one, and one more. The series of older versions are removed.
VERSIONS = 3


@dataclass
class Tally:
    """How often answers were found, and how often they were not."""

    hits: int = 0
    misses: int = 0


class Lookups(Collector):
    """Plain numbers until a scrape, because they are counted on the fast path to an answer."""

    def __init__(self, identity: Identity) -> None:
        self._labels = (identity.namespace, identity.name)
        self._by_version: dict[int, Tally] = {}

    def of(self, version: int) -> Tally:
        """The counts of a version. If there are too many versions, the first is removed."""
        tally = self._by_version.get(version)
        if tally is None:
            tally = self._by_version[version] = Tally()
            if len(self._by_version) > VERSIONS:
                del self._by_version[next(iter(self._by_version))]
        return tally

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
        for version, tally in self._by_version.items():
            hits.add_metric((*self._labels, str(version)), tally.hits)
            misses.add_metric((*self._labels, str(version)), tally.misses)
        yield hits
        yield misses

"""What the operator made, as one watch per kind shows it. Plans are made from this cache."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from ragwright_core.names import PIPELINE_LABEL
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube
from ragwright_operator.effects.slim import slim
from ragwright_operator.effects.watch import Changed, KindWatch, View

CHILD_KINDS = (
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Job",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
    "StatefulSet",
)
_PAGES_AT_ONCE = 2


def _pipeline_of(item: Manifest) -> str:
    return str((item["metadata"].get("labels") or {}).get(PIPELINE_LABEL, ""))


VIEW = View(f"{MANAGED_BY_LABEL}={MANAGED_BY}", slim, _pipeline_of)


@dataclass(frozen=True)
class Children:
    """All watches over what we made."""

    watches: tuple[KindWatch, ...]

    def of(self, namespace: str, pipeline: str) -> Iterable[Manifest]:
        """The children of a pipeline, as the watches have last shown them."""
        for watch in self.watches:
            if watch.namespace not in (None, namespace):
                continue
            for (where, _), item in watch.objects.items():
                labels = item["metadata"].get("labels") or {}
                if where == namespace and labels.get(PIPELINE_LABEL) == pipeline:
                    yield item


def children_watches(kube: Kube, namespaces: tuple[str, ...], changed: Changed) -> Children:
    places: tuple[str | None, ...] = namespaces or (None,)
    reading = asyncio.Semaphore(_PAGES_AT_ONCE)
    return Children(
        tuple(
            KindWatch(kube, kind, place, changed, VIEW, reading)
            for kind in CHILD_KINDS
            for place in places
        )
    )

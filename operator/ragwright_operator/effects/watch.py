"""One watch per kind over everything we made: the cache that plans are made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

import aiohttp
import structlog

from ragwright_core.names import PIPELINE_LABEL
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube, KubeError, api_version

CHILD_KINDS = (
    "ConfigMap",
    "Deployment",
    "Job",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
    "StatefulSet",
)
SELECTOR = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
# The server ends each watch; a stream that a load balancer has silently cut is noticed by then.
WATCH_SECONDS = 120
# Ten kinds try at once: a server in trouble is asked less and less often.
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 8.0
PAGE = "500"

Changed = Callable[[str, str], None]  # namespace and pipeline


@dataclass
class KindWatch:
    """The objects of one kind in one namespace, or in all."""

    kube: Kube
    kind: str
    namespace: str | None
    changed: Changed
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    heard_at: float = field(default_factory=monotonic)

    async def run(self) -> None:
        """List and watch, for ever: whatever ends a stream, the next begins with a fresh list."""
        log = structlog.get_logger().bind(kind=self.kind)
        pause = PAUSE_SECONDS
        while True:
            try:
                version = await self._list()
                pause = PAUSE_SECONDS
                while version:
                    version = await self._follow(version)
            except KubeError as error:
                log.warning("watch begins anew", cause=str(error))
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                log.warning("watch begins anew", cause=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _list(self) -> str:
        found: dict[tuple[str, str], Manifest] = {}
        query = {"limit": PAGE}
        while True:
            page = await self.kube.list(self.kind, self.namespace, SELECTOR, **query)
            for item in page["items"]:
                found[_place(item)] = _slim(item, self.kind)
            if not (more := page["metadata"].get("continue")):
                break
            query["continue"] = more
        for item in _different(self.objects, found):
            self._tell(item)
        self.objects.clear()
        self.objects.update(found)
        self.heard_at = monotonic()
        self.listed.set()
        return str(page["metadata"]["resourceVersion"])

    async def _follow(self, version: str) -> str:
        """Follow until the server ends the stream; returns where to go on. Raises KubeError."""
        query = {
            "labelSelector": SELECTOR,
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        limit = WATCH_SECONDS + 15.0
        async with self.kube.watch(self.kind, self.namespace, query, limit) as events:
            async for event in events:
                item = event["object"]
                version = str(item["metadata"]["resourceVersion"])
                self.heard_at = monotonic()
                if event["type"] != "BOOKMARK":
                    self._take(event["type"], _slim(item, self.kind))
        self.heard_at = monotonic()
        return version

    def _take(self, happened: str, item: Manifest) -> None:
        if happened == "DELETED":
            self.objects.pop(_place(item), None)
        else:
            self.objects[_place(item)] = item
        self._tell(item)

    def _tell(self, item: Manifest) -> None:
        metadata = item["metadata"]
        self.changed(metadata["namespace"], (metadata.get("labels") or {}).get(PIPELINE_LABEL, ""))


@dataclass(frozen=True)
class Children:
    """All watches together."""

    watches: tuple[KindWatch, ...]

    def of(self, namespace: str, pipeline: str) -> Iterable[Manifest]:
        """The children of a pipeline, as last shown."""
        for watch in self.watches:
            if watch.namespace not in (None, namespace):
                continue
            for (where, _), item in watch.objects.items():
                labels = item["metadata"].get("labels") or {}
                if where == namespace and labels.get(PIPELINE_LABEL) == pipeline:
                    yield item

    async def listed(self) -> None:
        """Wait until every kind has been seen once: an empty cache would plan everything anew."""
        for watch in self.watches:
            await watch.listed.wait()

    def silent(self) -> list[str]:
        """Kinds of which nothing was heard for too long, not even the end of a stream."""
        limit = monotonic() - 2 * WATCH_SECONDS
        return [watch.kind for watch in self.watches if watch.heard_at < limit]


def children_watches(kube: Kube, namespaces: tuple[str, ...], changed: Changed) -> Children:
    places: tuple[str | None, ...] = namespaces or (None,)
    return Children(
        tuple(KindWatch(kube, kind, place, changed) for kind in CHILD_KINDS for place in places)
    )


def _slim(item: Manifest, kind: str) -> Manifest:
    """Items of a list do not say what they are; managedFields are half of an object's size."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "apiVersion": api_version(kind), "kind": kind, "metadata": metadata}


def _place(item: Manifest) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _different(
    old: dict[tuple[str, str], Manifest], new: dict[tuple[str, str], Manifest]
) -> list[Manifest]:
    """Objects that came, went or changed while no one watched."""
    gone = [item for place, item in old.items() if place not in new]
    came = [
        item
        for place, item in new.items()
        if place not in old
        or old[place]["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]
    ]
    return gone + came

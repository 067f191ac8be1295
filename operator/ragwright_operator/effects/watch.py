"""One watch per kind over all objects that we made. Plans are made from this cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

import aiohttp
import structlog

from ragwright_core.names import PIPELINE_LABEL
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.effects.slim import slim

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
# The server ends each watch after this time, and if a load balancer has silently cut a stream, we
# notice it by then.
WATCH_SECONDS = 120
# Ten watches retry at the same time, so a server in trouble is asked less and less often.
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 8.0
# Whoever may write in a namespace can put our labels on objects of 1.5 MB, whose text is at most
# six times as long: 500 such ConfigMaps had taken 760 MiB.
PAGE = "10"
_PAGES_AT_ONCE = 2

Changed = Callable[[str, str], None]  # namespace and pipeline


@dataclass
class KindWatch:
    """The objects of one kind in one namespace, or in all."""

    kube: Kube
    kind: str
    namespace: str | None
    changed: Changed
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    heard_at: float = field(default_factory=monotonic)

    async def run(self) -> None:
        """List and watch for ever. After any failure, the next watch begins with a fresh list."""
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
            async with self.reading:
                page = await self.kube.list(self.kind, self.namespace, SELECTOR, **query)
                about = page["metadata"]
                for item in page.pop("items"):
                    found[_place(item)] = slim(item, self.kind)
            if not (more := about.get("continue")):
                break
            query["continue"] = more
        for item in _different(self.objects, found):
            self._tell(item)
        self.objects.clear()
        self.objects.update(found)
        self.heard_at = monotonic()
        self.listed.set()
        return str(about["resourceVersion"])

    async def _follow(self, version: str) -> str:
        """Follow the stream until the server ends it. Returns the resource version from which to
        go on. Raises KubeError."""
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
                    self._take(event["type"], slim(item, self.kind))
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
        """The children of a pipeline, as the watches have last shown them."""
        for watch in self.watches:
            if watch.namespace not in (None, namespace):
                continue
            for (where, _), item in watch.objects.items():
                labels = item["metadata"].get("labels") or {}
                if where == namespace and labels.get(PIPELINE_LABEL) == pipeline:
                    yield item

    async def listed(self) -> None:
        """Wait until every kind was listed once: with an empty cache, all would be planned anew."""
        for watch in self.watches:
            await watch.listed.wait()

    def silent(self) -> list[str]:
        """Kinds whose watch has shown nothing for too long, not even the end of a stream."""
        limit = monotonic() - 2 * WATCH_SECONDS
        return [watch.kind for watch in self.watches if watch.heard_at < limit]


def children_watches(kube: Kube, namespaces: tuple[str, ...], changed: Changed) -> Children:
    places: tuple[str | None, ...] = namespaces or (None,)
    reading = asyncio.Semaphore(_PAGES_AT_ONCE)
    return Children(
        tuple(
            KindWatch(kube, kind, place, changed, reading)
            for kind in CHILD_KINDS
            for place in places
        )
    )


def _place(item: Manifest) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _different(
    old: dict[tuple[str, str], Manifest], new: dict[tuple[str, str], Manifest]
) -> list[Manifest]:
    """Objects that were created, deleted or changed while there was no watch."""
    gone = [item for place, item in old.items() if place not in new]
    came = [
        item
        for place, item in new.items()
        if place not in old
        or old[place]["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]
    ]
    return gone + came

"""A watch over the objects of one kind, and what is kept of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

import aiohttp
import structlog

from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.kube import Kube, KubeError

# The server ends each watch after this time, and if a load balancer has silently cut a stream, we
# notice it by then.
WATCH_SECONDS = 120
# Ten watches retry at the same time, so a server in trouble is asked less and less often.
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 8.0
# Whoever may write in a namespace can put our labels on objects of 1.5 MB, whose text is at most
# six times as long: 500 such ConfigMaps had taken 760 MiB.
PAGE = "10"

Changed = Callable[[str, str], None]  # namespace and subject


@dataclass(frozen=True)
class View:
    """Which objects a watch shows by their labels, what is kept of each, and whom a change of it
    concerns."""

    selector: str
    keep: Callable[[Manifest, str], Manifest]
    subject: Callable[[Manifest], str]


@dataclass
class KindWatch:
    """The objects of one kind in one namespace, or in all."""

    kube: Kube
    kind: str
    namespace: str | None
    changed: Changed
    view: View
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
                page = await self.kube.list(self.kind, self.namespace, self.view.selector, **query)
                about = page["metadata"]
                for item in page.pop("items"):
                    found[_place(item)] = self.view.keep(item, self.kind)
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
            "labelSelector": self.view.selector,
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
                    self._take(event["type"], self.view.keep(item, self.kind))
        self.heard_at = monotonic()
        return version

    def _take(self, happened: str, item: Manifest) -> None:
        if happened == "DELETED":
            self.objects.pop(_place(item), None)
        else:
            self.objects[_place(item)] = item
        self._tell(item)

    def know(self, place: tuple[str, str], item: Manifest | None) -> None:
        """Take what was read by itself for the newest state; None is none."""
        if item is None:
            self.objects.pop(place, None)
        else:
            self.objects[place] = item

    def _tell(self, item: Manifest) -> None:
        self.changed(item["metadata"]["namespace"], self.view.subject(item))


async def listed(watches: Iterable[KindWatch]) -> None:
    """Wait until each was listed once: with an empty cache, all would be planned anew."""
    for watch in watches:
        await watch.listed.wait()


def silent(watches: Iterable[KindWatch]) -> list[str]:
    """Kinds whose watch has shown nothing for too long, not even the end of a stream."""
    limit = monotonic() - 2 * WATCH_SECONDS
    return [watch.kind for watch in watches if watch.heard_at < limit]


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

"""Before the operator is removed: it is stopped, and lets go of every pipeline.

A pipeline whose finalizer nobody removes could never be deleted, nor its namespace, nor the CRD.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import aiohttp
import structlog

from ragwright_core.spec import KIND
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.effects.leases import NAME as LEASE
from ragwright_operator.effects.leases import holder
from ragwright_operator.plan.leaving import fate, is_going, without_ours

PAGE = "50"
PAUSE_SECONDS = 2.0
# The operator ends a deletion within a minute, and itself within the 30 s that pods have.
DELETIONS_SECONDS = 75.0
END_SECONDS = 60.0
LETTING_GO_SECONDS = 75.0


class StillHeldError(Exception):
    """Some pipelines could not be let go."""


@dataclass(frozen=True)
class Leaving:
    """`deployment` is the operator's, as namespace and name, which is its name in Leases too.
    Without `namespaces`, all are meant."""

    kube: Kube
    deployment: tuple[str, str]
    namespaces: tuple[str, ...]
    now: Callable[[], datetime]
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Raises StillHeldError with what hinders, or what the API server's calls raise."""
        log = structlog.get_logger()
        if not await self._until(self._no_deletions, DELETIONS_SECONDS):
            log.warning("some deletions are not done: they are let go unfinished")
        if not await self._until(self._has_ended, END_SECONDS):
            log.warning("the operator's pod has not ended: is its node gone?")
        # Another operator that watches the same namespaces takes over now, and holds on to them.
        await self._until(self._gave_up_leases, END_SECONDS)
        hindrances: dict[str, str] = {}

        async def held_by_none() -> bool:
            hindrances.clear()
            hindrances.update(await self._let_go())
            return not hindrances

        if not await self._until(held_by_none, LETTING_GO_SECONDS):
            [(name, why), *others] = hindrances.items()
            more = f" (and {len(others)} more)" if others else ""
            raise StillHeldError(f"{name} is still held: {why}{more}")

    async def _until(self, done: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        """Look until it is done, or the time is over. Failures of the API server may pass."""
        ends_at = self.clock() + seconds
        while True:
            try:
                if await done():
                    return True
            except (KubeError, aiohttp.ClientError, TimeoutError, OSError) as error:
                passing = not isinstance(error, KubeError) or error.passing
                if not passing or self.clock() >= ends_at:
                    raise
            if self.clock() >= ends_at:
                return False
            await self.sleep(PAUSE_SECONDS * random.uniform(0.8, 1.2))

    async def _no_deletions(self) -> bool:
        """Or nobody who would finish them."""
        found = await self._deployment()
        if not found or not (found.get("status") or {}).get("readyReplicas"):
            return True
        async for pipeline in self._listed(KIND, ""):
            if is_going(pipeline):
                return False
        return True

    async def _deployment(self) -> Manifest | None:
        try:
            return await self.kube.get("Deployment", *self.deployment)
        except KubeError as error:
            if error.not_found:
                return None
            raise

    async def _has_ended(self) -> bool:
        """An operator that runs would put its finalizer back at once."""
        found = await self._deployment()
        if found is None:
            return True
        if found["spec"]["replicas"]:
            await self.kube.scale("Deployment", *self.deployment, replicas=0)
        selector = found["spec"]["selector"]["matchLabels"]
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = await self.kube.list("Pod", self.deployment[0], labels, limit="1")
        return not pods["items"]

    async def _let_go(self) -> Mapping[str, str]:
        """One pass over all pipelines; what hinders, by pipeline. A pipeline that was let go is
        looked at again by the next pass."""
        hindrances = {}
        working = await self._others()
        async for pipeline in self._listed(KIND, ""):
            finalizers = without_ours(pipeline)
            namespace, name = pipeline["metadata"]["namespace"], pipeline["metadata"]["name"]
            if finalizers is None or namespace in working:
                continue
            why = await self._release(pipeline, finalizers)
            hindrances[f"{namespace}/{name}"] = why or "somebody puts the finalizer back"
            if not why:
                structlog.get_logger().info(
                    "let go", namespace=namespace, pipeline=name, now=fate(pipeline)
                )
        return hindrances

    async def _release(self, pipeline: Manifest, finalizers: list[str]) -> str:
        metadata = pipeline["metadata"]
        version = metadata["resourceVersion"]
        body: Manifest = {"metadata": {"resourceVersion": version, "finalizers": finalizers}}
        try:
            await self.kube.merge(KIND, metadata["namespace"], metadata["name"], body)
        except KubeError as error:
            return "" if error.not_found else str(error)
        return ""

    async def _others(self) -> set[str]:
        """Namespaces in which another operator works, which goes on finishing deletions."""
        return {
            lease["metadata"]["namespace"]
            async for lease in self._leases()
            if holder(lease.get("spec") or {}, self.now()) not in ("", self._name)
        }

    async def _gave_up_leases(self) -> bool:
        async for lease in self._leases():
            if (lease.get("spec") or {}).get("holderIdentity") == self._name:
                await self.kube.delete("Lease", lease["metadata"]["namespace"], LEASE)
        return True

    async def _leases(self) -> AsyncIterator[Manifest]:
        async for lease in self._listed("Lease", f"{MANAGED_BY_LABEL}={MANAGED_BY}"):
            if lease["metadata"]["name"] == LEASE:
                yield lease

    @property
    def _name(self) -> str:
        return "/".join(self.deployment)

    async def _listed(self, kind: str, labels: str) -> AsyncIterator[Manifest]:
        for namespace in self.namespaces or (None,):
            query = {"limit": PAGE}
            while True:
                try:
                    page = await self.kube.list(kind, namespace, labels, **query)
                except KubeError as error:
                    if error.not_found:
                        return  # the CRD is gone, and every pipeline with it
                    raise
                for item in page["items"]:
                    yield item
                if not (more := page["metadata"].get("continue")):
                    break
                query["continue"] = more

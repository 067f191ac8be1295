"""One operator at a time in each namespace: two releases would undo each other's work for ever.

Correctness does not rest on it, so a lease that may not be read or written hinders nobody.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube, KubeError

NAME = "ragwright-operator"
SHORTEST = timedelta(seconds=60)
RENEWED_EVERY = timedelta(seconds=20)
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

HeldByOther = Callable[[str], Awaitable[str]]


async def by_nobody(_: str) -> str:
    """For an operator without a name, which runs outside a cluster."""
    return ""


@dataclass
class Leases:
    """`holder` names this operator, and stays the same when its pod is replaced. A lease `lasts`
    longer than the longest pause between two rounds, which renew it."""

    kube: Kube
    holder: str
    now: Callable[[], datetime]
    lasts: timedelta = SHORTEST
    _aside: dict[str, str] = field(default_factory=dict)
    _renewed: dict[str, datetime] = field(default_factory=dict)
    _asking: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def held_by_other(self, namespace: str) -> str:
        """The name of the other operator that works in the namespace, or empty if this one does.
        Rounds and deletions of a namespace ask one after the other, or they would renew the lease
        at the same moment and refuse each other."""
        async with self._asking[namespace]:
            renewed = self._renewed.get(namespace)
            if renewed is not None and self.now() - renewed < RENEWED_EVERY:
                return ""
            return await self._renew(namespace)

    async def _renew(self, namespace: str) -> str:
        try:
            other = await self._hold_again(namespace)
        except KubeError as error:
            if error.passing or error.status == 409:
                raise
            return ""  # no right to it, a namespace that goes, or a quota
        if other:
            self._renewed.pop(namespace, None)
        else:
            self._renewed[namespace] = self.now()
        self._log(namespace, other)
        return other

    def _log(self, namespace: str, other: str) -> None:
        """Whenever it changes who works."""
        before = self._aside.pop(namespace, "")
        log = structlog.get_logger().bind(namespace=namespace)
        if other:
            self._aside[namespace] = other
            if other != before:
                log.warning("stands aside: another operator works in this namespace", other=other)
        elif before:
            log.info("works in this namespace now", instead_of=before)

    async def _hold_again(self, namespace: str) -> str:
        """Look once more if somebody wrote it at the same moment: while its pod is replaced, this
        operator runs twice."""
        try:
            return await self._hold(namespace)
        except KubeError as error:
            if error.status != 409:
                raise
            return await self._hold(namespace)

    async def _hold(self, namespace: str) -> str:
        try:
            lease = await self.kube.get("Lease", namespace, NAME)
        except KubeError as error:
            if not error.not_found:
                raise
            await self.kube.create(self._lease(namespace))
            return ""
        other = holder(lease.get("spec") or {}, self.now())
        if other not in ("", self.holder):
            return other
        version = {"resourceVersion": lease["metadata"]["resourceVersion"]}
        await self.kube.merge("Lease", namespace, NAME, {"metadata": version, "spec": self._spec()})
        return ""

    def _lease(self, namespace: str) -> Manifest:
        labels = {MANAGED_BY_LABEL: MANAGED_BY}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
            "spec": self._spec(),
        }

    def _spec(self) -> Manifest:
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": int(self.lasts.total_seconds()),
            "renewTime": self.now().strftime(_MICRO_TIME),
        }


def lasting(resync_seconds: float) -> timedelta:
    """How long a lease lasts that is renewed at least this often."""
    return max(SHORTEST, timedelta(seconds=2 * resync_seconds))


def holder(spec: Manifest, now: datetime) -> str:
    """Who holds a lease; empty if nobody does any more."""
    try:
        renewed = datetime.fromisoformat(str(spec.get("renewTime")))
        lasts = timedelta(seconds=int(spec["leaseDurationSeconds"]))
        ended = now - renewed > lasts
    except (KeyError, OverflowError, TypeError, ValueError):
        ended = True
    return "" if ended else str(spec.get("holderIdentity") or "")

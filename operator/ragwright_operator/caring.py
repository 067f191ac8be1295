"""Rounds for one pipeline, for as long as it lives."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import structlog

from ragwright_operator.effects.kube import KubeError
from ragwright_operator.metrics import Metrics
from ragwright_operator.pipelines import Pipelines
from ragwright_operator.reconcile import Reconciler, Round

# Events of one change come in bursts; one round serves them all.
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 60.0
AFTER_CHANGE = 1.0
ROUNDS_AT_ONCE = 20
# A build is about 20 rounds that change something; what changes for longer finds no rest, because
# each write wakes its own pipeline: an API server that refuses now this, now that.
CHANGES_TO_SLOW = 30
RESTLESS_PAUSE = 2.0


@dataclass
class Pace:
    """How long to leave a pipeline alone after a round, whatever wakes it."""

    failure_pause: float
    failures: int = 0
    changes: int = 0

    def after(self, made: Round | KubeError | None) -> float:
        """Of a round that ended well, that the API server refused, or that failed otherwise."""
        if isinstance(made, Round):
            self.failures = 0
            self.changes = self.changes + 1 if made.changed else 0
            restless = made.refused or self.changes > CHANGES_TO_SLOW
            return RESTLESS_PAUSE if restless else SHORTEST_PAUSE
        self.failures += 1
        asked = made.retry_after if made is not None else 0.0
        pause = min(self.failure_pause * 2.0**self.failures, LONGEST_PAUSE)
        return float(max(asked, pause * random.uniform(0.8, 1.2)))


@dataclass
class Caretaker:
    reconciler: Reconciler
    pipelines: Pipelines
    metrics: Metrics
    resync_seconds: float
    failure_pause: float = 1.0
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ROUNDS_AT_ONCE))

    async def care(self, namespace: str, name: str) -> None:
        """Ends when the pipeline goes. What fails is tried again after growing pauses, and never
        ends the care: no other round would begin it anew."""
        cared = self.pipelines.care(namespace, name)
        self.metrics.pipelines.set(len(self.pipelines))
        pace = Pace(self.failure_pause)
        while True:
            cared.woken.clear()
            async with cared.lock, self._slots:
                made = await self._round(namespace, name)
            if made == "gone":
                return
            await asyncio.sleep(pace.after(made))
            if isinstance(made, Round):
                await cared.rest(self._pause(made))

    def end(self, namespace: str, name: str) -> None:
        self.pipelines.forget(namespace, name)
        self.metrics.pipelines.set(len(self.pipelines))
        self.metrics.forget(namespace, name)

    async def _round(self, namespace: str, name: str) -> Round | KubeError | Literal["gone"] | None:
        """None where a round failed for another reason than the API server's."""
        log = structlog.get_logger().bind(namespace=namespace, pipeline=name)
        made: Round | KubeError | Literal["gone"] | None = None
        with self.metrics.reconcile_seconds.time():
            try:
                made = await self.reconciler.reconcile(namespace, name) or "gone"
            except (KubeError, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("round failed", cause=str(error) or type(error).__name__)
                made = error if isinstance(error, KubeError) else None
            except Exception:
                log.exception("round failed: please report this")
        self.metrics.reconciles.labels(_outcome(made)).inc()
        return made

    def _pause(self, made: Round) -> float:
        longest = self.resync_seconds * random.uniform(0.9, 1.0)
        if made.changed:
            return min(AFTER_CHANGE, longest)
        return longest if made.again_seconds is None else min(made.again_seconds, longest)


def _outcome(made: Round | KubeError | Literal["gone"] | None) -> str:
    if isinstance(made, Round):
        return "changed" if made.changed else "unchanged"
    return made if isinstance(made, str) else "failed"

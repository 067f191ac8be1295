"""Rounds for one pipeline, for as long as it lives."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

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
        failures = 0
        while True:
            cared.woken.clear()
            async with cared.lock, self._slots:
                made = await self._round(namespace, name)
            if made == "gone":
                return
            failures = failures + 1 if made == "failed" else 0
            await asyncio.sleep(SHORTEST_PAUSE)
            if isinstance(made, Round):
                await cared.rest(self._pause(made))
            else:
                pause = min(self.failure_pause * 2**failures, LONGEST_PAUSE)
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    def end(self, namespace: str, name: str) -> None:
        self.pipelines.forget(namespace, name)
        self.metrics.pipelines.set(len(self.pipelines))
        self.metrics.forget(namespace, name)

    async def _round(self, namespace: str, name: str) -> Round | str:
        log = structlog.get_logger().bind(namespace=namespace, pipeline=name)
        with self.metrics.reconcile_seconds.time():
            try:
                made = await self.reconciler.reconcile(namespace, name)
            except (KubeError, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("round failed", cause=str(error) or type(error).__name__)
                made = None
                outcome = "failed"
            except Exception:
                log.exception("round failed: please report this")
                made = None
                outcome = "failed"
            else:
                outcome = "gone" if made is None else "changed" if made.changed else "unchanged"
        self.metrics.reconciles.labels(outcome).inc()
        return made or outcome

    def _pause(self, made: Round) -> float:
        longest = self.resync_seconds * random.uniform(0.9, 1.0)
        if made.changed:
            return min(AFTER_CHANGE, longest)
        return longest if made.again_seconds is None else min(made.again_seconds, longest)

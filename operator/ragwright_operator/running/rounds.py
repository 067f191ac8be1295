"""Makes rounds for each pipeline, for as long as it exists."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import structlog

from ragwright_core.names import PipelineName
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.running.listening import Listen, to_nobody
from ragwright_operator.running.reconcile import Reconciler, Round
from ragwright_operator.running.registry import Registry
from ragwright_operator.telemetry.metrics import Metrics

# Events of one change come in bursts; one round serves them all.
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 60.0
AFTER_CHANGE = 1.0
ROUNDS_AT_ONCE = 20
# A build takes about 20 rounds that change something. Each write wakes its own pipeline, so a
# pipeline that changes for longer never rests, for example if the API server refuses now one write
# and now another.
CHANGES_TO_SLOW = 30
RESTLESS_PAUSE = 2.0


@dataclass
class Pace:
    """How long to leave a pipeline alone after a round, whatever wakes it."""

    failure_pause: float
    failures: int = 0
    changes: int = 0

    def after(self, made: Round | KubeError | None) -> float:
        """The pause after a round. `made` is its result, the API server's error, or None if it
        failed for another reason."""
        if isinstance(made, Round):
            self.failures = 0
            self.changes = self.changes + 1 if made.changed else 0
            restless = made.refused or self.changes > CHANGES_TO_SLOW
            return RESTLESS_PAUSE if restless else SHORTEST_PAUSE
        if made is not None and made.conflict:
            return RESTLESS_PAUSE  # somebody wrote at the same moment: pauses need not grow
        asked = made.retry_after if made is not None else 0.0
        pause = min(self.failure_pause * 2.0**self.failures, LONGEST_PAUSE)
        self.failures += 1
        return float(max(asked, pause * random.uniform(0.8, 1.2)))


@dataclass
class Rounds:
    """Makes rounds for each pipeline; at most ROUNDS_AT_ONCE at a time."""

    reconciler: Reconciler
    registry: Registry
    metrics: Metrics
    resync_seconds: float
    failure_pause: float = 1.0
    listen: Listen = to_nobody
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ROUNDS_AT_ONCE))

    async def run(self, namespace: str, name: str) -> None:
        """Make rounds until the pipeline is gone. A failed round is repeated after growing pauses
        and never ends the loop, because nothing would start it again."""
        entry = self.registry.entry(namespace, name)
        self.metrics.pipelines.set(len(self.registry))
        pace, pipeline = Pace(self.failure_pause), PipelineName(namespace, name)
        while True:
            entry.woken.clear()
            async with entry.lock, self._slots:
                made = await self._round(namespace, name)
            if made == "gone":
                self.listen(pipeline, False)  # noqa: FBT003
                return
            if isinstance(made, Round):
                entry.reads = made.reads
                self.listen(pipeline, made.listens)
            await asyncio.sleep(pace.after(made))
            if isinstance(made, Round):
                await entry.rest(self._pause(made))

    def end(self, namespace: str, name: str) -> None:
        self.registry.forget(namespace, name)
        self.listen(PipelineName(namespace, name), False)  # noqa: FBT003
        self.metrics.pipelines.set(len(self.registry))
        self.metrics.forget(namespace, name)
        self.reconciler.strangers.forget(PipelineName(namespace, name))

    async def _round(self, namespace: str, name: str) -> Round | KubeError | Literal["gone"] | None:
        """Make one round. Returns None if it failed for another reason than an error of the API
        server."""
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

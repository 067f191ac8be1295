"""The parts of each of the two ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from ragwright_api.answering.ask import Ask
from ragwright_api.answering.chunks import ChunkSearch
from ragwright_api.answering.fast_path import FastPath
from ragwright_api.http.readiness import Readiness
from ragwright_api.index.database import Database
from ragwright_api.index.drift import Drift
from ragwright_api.index.invalidation import Invalidation
from ragwright_api.index.pushes import PushWatch
from ragwright_api.telemetry.metrics import Metrics
from ragwright_api.webhooks.receive import Webhooks
from ragwright_core.spec import Retrieval as RetrievalSettings


@dataclass(frozen=True)
class Public:
    """`own` are the pipeline's retrieval settings. While `draining` holds, callers should move to
    another replica. `token` is what a caller shows who may empty the caches at any time."""

    fast: FastPath
    ask: Ask
    search: ChunkSearch
    invalidate: Invalidation
    own: RetrievalSettings
    webhooks: Webhooks
    metrics: Metrics
    clock: Callable[[], float]
    draining: Callable[[], bool] = lambda: False
    token: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Internal:
    """The parts that serve the kubelet, the operator and Prometheus. `uid` is the pipeline's."""

    uid: str
    database: Database
    registry: CollectorRegistry
    readiness: Readiness
    drift: Drift
    pushes: PushWatch

"""What kopf calls: one daemon a pipeline, which is create, update, resume and timer in one.

Handlers for each of these would overlap, and two of them lose updates (kopf#1072).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import kopf

from ragwright_core.names import FINALIZER
from ragwright_core.spec import GROUP, PLURAL, VERSION
from ragwright_operator.caring import Caretaker
from ragwright_operator.deleting import DeletionWaits, delete

RESOURCE = (GROUP, VERSION, PLURAL)


@dataclass(frozen=True)
class Handlers:
    """`ready` is waited for before the first round; `dead` says in words what has stopped."""

    caretaker: Caretaker
    ready: Callable[[], Any]
    dead: Callable[[], list[str]]

    def registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self.log_in)
        kopf.on.probe(registry=registry, id="watching")(self.probe)
        kopf.on.event(*RESOURCE, registry=registry, id="wake")(self.wake)
        kopf.daemon(*RESOURCE, registry=registry, id="care", cancellation_timeout=30, backoff=5)(
            self.care
        )
        kopf.on.delete(*RESOURCE, registry=registry, id="delete")(self.delete)
        return registry

    async def log_in(self, **arguments: Any) -> kopf.ConnectionInfo | None:
        """As a pod, or by kubeconfig; without importing the synchronous client (60 MB)."""
        return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(
            **arguments
        )

    async def probe(self, **_: Any) -> str:
        if stopped := self.dead():
            raise kopf.PermanentError("; ".join(stopped))
        return "ok"

    async def wake(self, *, namespace: str | None, name: str, **_: Any) -> None:
        self.caretaker.pipelines.wake(str(namespace), name)

    async def care(
        self, *, namespace: str | None, name: str, stopped: kopf.DaemonStopped, **_: Any
    ) -> None:
        """Ends when kopf asks, between two rounds: else it would wait and then cancel one."""
        await self.ready()
        caring = asyncio.create_task(self.caretaker.care(str(namespace), name))
        asked = asyncio.create_task(_asked_to_stop(stopped))
        try:
            await asyncio.wait({caring, asked}, return_when=asyncio.FIRST_COMPLETED)
            if caring.done():
                return caring.result()
            async with self.caretaker.pipelines.care(str(namespace), name).lock:
                caring.cancel()
        finally:
            await cancelled([caring, asked])

    async def delete(
        self,
        *,
        body: kopf.Body,
        namespace: str | None,
        name: str,
        runtime: timedelta,
        **_: Any,
    ) -> None:
        await self.ready()
        cared = self.caretaker.pipelines.care(str(namespace), name)
        async with cared.lock:
            try:
                await delete(self.caretaker.reconciler, dict(body), runtime)
            except DeletionWaits as waits:
                raise kopf.TemporaryError(str(waits), delay=waits.seconds) from None
        self.caretaker.end(str(namespace), name)


async def _asked_to_stop(stopped: kopf.DaemonStopped) -> None:
    await stopped.wait()


def configure(settings: kopf.OperatorSettings) -> None:
    """Each value has its story in reference/style_and_reliability.md, B4."""
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.queueing.worker_limit = 100
    settings.queueing.idle_timeout = 0.1
    settings.persistence.consistency_timeout = 10
    settings.execution.default_backoff = 15
    settings.posting.enabled = False
    settings.posting.level = logging.WARNING
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP, v1=False)
    # No handler of ours looks at differences, and a long spec would not fit an annotation.
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=GROUP, key="last", v1=False, ignored_fields=["spec", "metadata"]
    )


async def operate(registry: kopf.OperatorRegistry, namespaces: tuple[str, ...], live: str) -> None:
    """Run kopf until it is told to stop."""
    settings = kopf.OperatorSettings()
    configure(settings)
    await kopf.operator(
        registry=registry,
        settings=settings,
        clusterwide=not namespaces,
        namespaces=namespaces,
        liveness_endpoint=live,
    )


async def cancelled(tasks: list[asyncio.Task[None]]) -> None:
    """Stop what runs beside kopf."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

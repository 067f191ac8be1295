"""The handlers that kopf calls: one daemon per pipeline serves as create, update, resume and timer.

Separate handlers for these would overlap, and two of them lose updates (kopf#1072).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import kopf

from ragwright_core.names import FINALIZER
from ragwright_core.spec import GROUP, PLURAL, VERSION
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.running.delete import DeletionWaits, delete
from ragwright_operator.running.rounds import Rounds

RESOURCE = (GROUP, VERSION, PLURAL)


@dataclass(frozen=True)
class Handlers:
    """`ready` is awaited before the first round. `dead` lists in words what has stopped."""

    rounds: Rounds
    ready: Callable[[], Any]
    dead: Callable[[], list[str]]

    def registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self.log_in)
        kopf.on.probe(registry=registry, id="watching")(self.probe)
        kopf.on.event(*RESOURCE, registry=registry, id="wake")(self.wake)
        kopf.daemon(*RESOURCE, registry=registry, id="rounds", cancellation_timeout=30, backoff=5)(
            self.run
        )
        kopf.on.delete(*RESOURCE, registry=registry, id="delete")(self.delete)
        return registry

    async def log_in(self, **arguments: Any) -> kopf.ConnectionInfo | None:
        """Log in as a pod or by kubeconfig, without importing the synchronous client (60 MB)."""
        return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(
            **arguments
        )

    async def probe(self, **_: Any) -> str:
        if stopped := self.dead():
            raise kopf.PermanentError("; ".join(stopped))
        return "ok"

    async def wake(self, *, namespace: str | None, name: str, **_: Any) -> None:
        self.rounds.registry.wake(str(namespace), name)

    async def run(
        self, *, namespace: str | None, name: str, stopped: kopf.DaemonStopped, **_: Any
    ) -> None:
        """Run until kopf asks to stop, then end between two rounds. Otherwise kopf would wait and
        then cancel a round."""
        await self.ready()
        running = asyncio.create_task(self.rounds.run(str(namespace), name))
        asked = asyncio.create_task(_asked_to_stop(stopped))
        try:
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            async with self.rounds.registry.entry(str(namespace), name).lock:
                running.cancel()
        finally:
            await cancelled([running, asked])

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
        try:
            await self._delete(dict(body), str(namespace), name, runtime)
        except KubeError as error:
            raise kopf.TemporaryError(str(error), delay=5) from None

    async def _delete(
        self, pipeline: dict[str, Any], namespace: str, name: str, waited: timedelta
    ) -> None:
        if other := await self.rounds.reconciler.held_by_other(namespace):
            raise kopf.TemporaryError(f"operator {other} works in this namespace", delay=15)
        entry = self.rounds.registry.entry(namespace, name)
        async with entry.lock:
            try:
                await delete(self.rounds.reconciler, pipeline, waited)
            except DeletionWaits as waits:
                raise kopf.TemporaryError(str(waits), delay=waits.seconds) from None
        self.rounds.end(namespace, name)


async def _asked_to_stop(stopped: kopf.DaemonStopped) -> None:
    await stopped.wait()


def configure(settings: kopf.OperatorSettings) -> None:
    """Settings for hundreds of pipelines in one cluster. A worker holds its slot for `idle_timeout`
    after each event: 500 objects took 128 s with the default of 5 s, and 18 s with 0.1."""
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
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP, v1=False)
    # No handler of ours looks at differences, and a long spec would not fit an annotation.
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=GROUP, key="last", v1=False, ignored_fields=["spec", "metadata"]
    )


async def operate(registry: kopf.OperatorRegistry, namespaces: tuple[str, ...], live: str) -> None:
    """Run kopf until a signal stops it."""
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
    """Cancel the tasks that run beside kopf, and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

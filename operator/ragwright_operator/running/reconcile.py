"""One round for one pipeline: observe, remember, decide, plan, execute, describe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ragwright_core.names import Identity, PipelineName
from ragwright_core.spec import GROUP, KIND, VERSION
from ragwright_operator.describe.events import Event, events
from ragwright_operator.describe.status import describe, invalid
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.events import write_events
from ragwright_operator.effects.execute import AfterStep, execute, nothing
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.effects.leases import HeldByOther, by_nobody
from ragwright_operator.effects.observe import Readers, observe, read_status
from ragwright_operator.memory.remember import remember
from ragwright_operator.plan.plan import plan
from ragwright_operator.plan.steps import Outcome
from ragwright_operator.running.fights import Fights
from ragwright_operator.settings import Site
from ragwright_operator.telemetry.metrics import Metrics
from ragwright_operator.telemetry.strangers import Strangers
from ragwright_operator.wanted.decide import decide
from ragwright_operator.world.allowed import not_allowed
from ragwright_operator.world.moves import unaccepted_move
from ragwright_operator.world.observed import Observed
from ragwright_operator.world.spec import UnusableSpecError, lacking
from ragwright_operator.world.trouble import Trouble

# How soon to look whether the other operator still works.
ASIDE_SECONDS = 30.0


@dataclass(frozen=True)
class Round:
    """The result of a round. `again_seconds`: the next round begins after this time at the latest.
    `refused`: the API server refused a step. `reads` are the ConfigMaps of the documents.
    `listens`: a source has a webhook."""

    changed: bool
    again_seconds: float | None = None
    refused: bool = False
    reads: frozenset[str] = frozenset()
    listens: bool = False


@dataclass(frozen=True)
class Reconciler:
    """Everything that a round needs. Between rounds, nothing is remembered but what was logged and
    what was applied in vain."""

    kube: Kube
    site: Site
    readers: Readers
    metrics: Metrics
    now: Callable[[], datetime]
    strangers: Strangers
    after_step: AfterStep = nothing
    fights: Fights = field(default_factory=Fights)
    held_by_other: HeldByOther = by_nobody

    async def reconcile(self, namespace: str, name: str) -> Round | None:
        """Make one round. Returns None if the pipeline is gone or being deleted. Raises KubeError
        if the API server does not answer as it should; the next round begins anew."""
        pipeline = await self._standing(namespace, name)
        if pipeline is None:
            self.fights.forget(PipelineName(namespace, name))
            return None
        now = self.now().replace(microsecond=0)
        if other := await self.held_by_other(namespace):
            await write_events(self.kube, self._identity(pipeline), [_stood_aside(other)], now)
            return Round(changed=False, again_seconds=ASIDE_SECONDS)
        try:
            observed = await self.observe(pipeline)
        except UnusableSpecError as error:
            return await self._refuse(pipeline, error.trouble, now)
        trouble = not_allowed(observed.spec, self.site.allowed) or unaccepted_move(observed)
        if trouble:
            return await self._refuse(pipeline, trouble, now)
        for document, fields in observed.ignored:
            self.strangers.tell(observed.target.names, document, fields)
        if fields := lacking(pipeline, observed.spec):
            self.strangers.miss(observed.target.names, fields)
        return await self._bring_on(observed, now)

    async def _standing(self, namespace: str, name: str) -> Manifest | None:
        """The pipeline, or None if it is gone or being deleted."""
        try:
            pipeline = await self.kube.get(KIND, namespace, name)
        except KubeError as error:
            if error.not_found:
                return None
            raise
        return None if "deletionTimestamp" in pipeline["metadata"] else pipeline

    async def observe(self, pipeline: Manifest) -> Observed:
        return await observe(pipeline, self.site, self.readers)

    async def _bring_on(self, observed: Observed, now: datetime) -> Round:
        pipeline = observed.target.names
        observed = replace(observed, left_alone=self.fights.left_alone(pipeline, now))
        memory = remember(observed, now)
        wanted = decide(observed, memory, now)
        if wanted.step == "load":
            # A change that the watch tells later is read by this Job, and is no reason for another.
            reads = observed.spec.config_maps
            wanted = wanted.of(await self.readers.documents(pipeline.namespace, reads))
        steps = plan(observed, memory, wanted)
        outcomes = await execute(self.kube, observed.target, steps, self.after_step)
        self.fights.note(pipeline, outcomes, now)
        status = describe(observed, memory, wanted, outcomes, now)
        if status != observed.status:
            written = status.model_dump(mode="json", exclude_defaults=True)
            told = events(observed.status, status)
            await self._publish(observed.target.identity, told, written, now)
        names = observed.target.names
        self.metrics.observe(names.namespace, names.name, observed.status, status)
        changed = status != observed.status or _did_something(outcomes)
        refused = any(outcome.result == "rejected" for outcome in outcomes)
        return Round(
            changed,
            wanted.again_seconds,
            refused,
            reads=frozenset(observed.spec.config_maps),
            listens=bool(observed.spec.webhooks),
        )

    def _identity(self, pipeline: Manifest) -> Identity:
        metadata = pipeline["metadata"]
        return Identity(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            cluster=self.site.cluster,
        )

    async def _refuse(self, pipeline: Manifest, trouble: Trouble, now: datetime) -> Round:
        metadata, identity = pipeline["metadata"], self._identity(pipeline)
        old, _ = read_status(pipeline)
        status = invalid(old, metadata["generation"], trouble, now)
        if status != old:
            # All else is written back as it was read, because an old resource definition would
            # drop new fields.
            new = status.model_dump(mode="json", include={"observed_generation", "conditions"})
            written = {**(pipeline.get("status") or {}), **new}
            await self._publish(identity, events(old, status), written, now)
        return Round(status != old)

    async def _publish(
        self, identity: Identity, told: Sequence[Event], status: dict[str, Any], now: datetime
    ) -> None:
        """Events are written first: after a crash, writing one again makes no second event."""
        await write_events(self.kube, identity, told, now)
        await self.kube.apply_status(
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "metadata": {
                    "name": identity.name,
                    "namespace": identity.namespace,
                    "uid": identity.uid,
                },
                "status": status,
            }
        )


def _stood_aside(other: str) -> Event:
    words = f"operator {other} works in this namespace; this one stands aside"
    advice = "give each release its own watchNamespaces, or uninstall one"
    return Event("Warning", "TwoOperators", f"{words}. If both are meant, {advice}.", other)


def _did_something(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.result == "done" for outcome in outcomes)

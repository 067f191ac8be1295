"""One round for one pipeline: observe, plan, execute, derive the status, write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from ragwright_core.handover import Identity
from ragwright_core.schedule import next_due
from ragwright_core.spec import GROUP, KIND, VERSION
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.events import tell
from ragwright_operator.effects.execute import AfterStep, execute, nothing
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.effects.observe import AskIndex, ReadChildren, observe, read_status
from ragwright_operator.metrics import Metrics
from ragwright_operator.observed import Observed, Trouble
from ragwright_operator.plan.plan import plan
from ragwright_operator.plan.request import next_build
from ragwright_operator.plan.steps import Outcome
from ragwright_operator.plan.swaps import next_swap
from ragwright_operator.settings import Images
from ragwright_operator.status.derive import derive, invalid
from ragwright_operator.status.notices import notices

# While a build runs, its progress is read off the API this often.
BUSY_SECONDS = 2.0


@dataclass(frozen=True)
class Round:
    """What a round came to. `again_seconds`: look again by then, whatever happens; `refused`: the
    API server would not have a step."""

    changed: bool
    again_seconds: float | None = None
    refused: bool = False


@dataclass(frozen=True)
class Reconciler:
    """Everything that a round needs; it remembers nothing between rounds."""

    kube: Kube
    cluster: str
    images: Images
    read_children: ReadChildren
    ask_index: AskIndex
    metrics: Metrics
    now: Callable[[], datetime]
    after_step: AfterStep = nothing

    async def reconcile(self, namespace: str, name: str) -> Round | None:
        """None when the pipeline is gone, or going. Raises KubeError when the API server does
        not answer as it should; the next round begins anew."""
        try:
            pipeline = await self.kube.get(KIND, namespace, name)
        except KubeError as error:
            if error.not_found:
                return None
            raise
        if "deletionTimestamp" in pipeline["metadata"]:
            return None
        now = self.now().replace(microsecond=0)
        try:
            observed = await self.observe(pipeline)
        except ValidationError as error:
            return await self._refuse(pipeline, error, now)
        return await self._bring_on(observed, now)

    async def observe(self, pipeline: Manifest) -> Observed:
        return await observe(
            pipeline, self.cluster, self.images, self.read_children, self.ask_index
        )

    async def _bring_on(self, observed: Observed, now: datetime) -> Round:
        steps = plan(observed, now)
        outcomes = await execute(self.kube, observed.target, steps, self.after_step)
        status = derive(observed, outcomes, now)
        if status != observed.status:
            await tell(self.kube, observed.target.identity, notices(observed.status, status), now)
            await self._write(observed.target.identity, status)
        names = observed.target.names
        self.metrics.observe(names.namespace, names.name, observed.status, status)
        changed = status != observed.status or _did_something(outcomes)
        refused = any(outcome.result == "rejected" for outcome in outcomes)
        return Round(changed, _again(replace(observed, status=status), now), refused)

    async def _refuse(self, pipeline: Manifest, error: ValidationError, now: datetime) -> Round:
        metadata = pipeline["metadata"]
        identity = Identity(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            cluster=self.cluster,
        )
        old = read_status(pipeline)
        status = invalid(old, metadata["generation"], _in_words(error), now)
        if status != old:
            await tell(self.kube, identity, notices(old, status), now)
            await self._write(identity, status)
        return Round(status != old)

    async def _write(self, identity: Identity, status: PipelineStatus) -> None:
        await self.kube.apply_status(
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "metadata": {
                    "name": identity.name,
                    "namespace": identity.namespace,
                    "uid": identity.uid,
                },
                "status": status.model_dump(mode="json", exclude_defaults=True),
            }
        )


def _again(observed: Observed, now: datetime) -> float | None:
    """Soon while a Job runs, and when a failed one is to be tried again or a build is due."""
    if _is_busy(observed):
        return BUSY_SECONDS
    asks = (next_build(observed, now), next_swap(observed, now))
    moments = [ask.not_before for ask in asks if ask and ask.not_before]
    reindex = observed.spec.reindex
    if reindex.schedule and (due := next_due(reindex.schedule, reindex.time_zone, now)):
        moments.append(due)
    if not moments:
        return None
    return max((min(moments) - now).total_seconds(), BUSY_SECONDS)


def _is_busy(observed: Observed) -> bool:
    build, swap = observed.status.build, observed.status.swap
    builds = build is not None and build.outcome == "running" and observed.spec.reindex.pin is None
    return builds or (swap is not None and swap.outcome == "running")


def _did_something(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.result == "done" for outcome in outcomes)


def _in_words(error: ValidationError) -> Trouble:
    """Where and what, without the values: they may be anything."""
    found = [
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors(include_input=False)
    ]
    return Trouble("InvalidSpec", f"the spec cannot be used: {'; '.join(found[:5])}. Correct it.")

"""The whole status of a pipeline, for people and for the next round. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ragwright_core.memory import OperatorMemory, Recreated, StoreImages
from ragwright_core.report import Report
from ragwright_core.status import ApiPods, ConditionType, LastSwap, PipelineStatus
from ragwright_operator.describe.conditions import as_conditions, conditions, degraded
from ragwright_operator.describe.facts import Facts
from ragwright_operator.describe.finding import Finding
from ragwright_operator.describe.index import index_of, progress_of
from ragwright_operator.describe.standing import stalled
from ragwright_operator.describe.troubles.found import troubles
from ragwright_operator.memory.memory import Memory
from ragwright_operator.plan.steps import CreateSecret, Outcome
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.observed import Observed
from ragwright_operator.world.stores import image_of, is_ready
from ragwright_operator.world.trouble import Trouble


def describe(
    observed: Observed,
    memory: Memory,
    wanted: Wanted,
    outcomes: Sequence[Outcome],
    now: datetime,
) -> PipelineStatus:
    index = index_of(observed, memory, now)
    facts = Facts(observed, memory, wanted, index, now)
    return PipelineStatus(
        observed_generation=observed.generation,
        url=observed.target.url,
        saved=_saved(observed),
        conditions=conditions(facts, troubles(facts, outcomes), outcomes),
        api=_api(observed),
        sources=memory.sources,
        index=index,
        progress=progress_of(observed, memory.running_build),
        last_swap=_last_swap(observed, memory.went_live, now),
        history=memory.history,
        judged=memory.judged,
        operator=OperatorMemory(
            build=memory.build,
            swap=memory.swap,
            kept=memory.kept,
            schedule=memory.schedule,
            changed=memory.changed,
            images=_images(observed),
            podless=dict(memory.podless),
            recreated=_recreated(observed, outcomes, now),
        ),
    )


def invalid(
    status: PipelineStatus, generation: int, wrong: Trouble, now: datetime
) -> PipelineStatus:
    """The status if the spec cannot be read: what runs goes on, and the conditions say why."""
    stall = stalled([wrong])
    found: dict[ConditionType, Finding] = {
        "Degraded": degraded([wrong]),
        "Reconciling": Finding("False", "Stalled", stall.message),
        "Stalled": stall,
    }
    told = as_conditions(found, status, generation, now)
    kept = [item for item in status.conditions if item.type not in found]
    return status.model_copy(update={"observed_generation": generation, "conditions": kept + told})


def _last_swap(observed: Observed, report: Report | None, now: datetime) -> LastSwap | None:
    if report is None or report.swap is None:
        return observed.status.last_swap
    swap = report.swap
    return LastSwap(milliseconds=swap.milliseconds, attempts=swap.attempts, at=now)


def _saved(observed: Observed) -> str | None:
    """The share of saved calls, in whole percent so that status is not written for each
    question."""
    calls = observed.summary.calls if observed.summary else None
    if calls is None or calls.made + calls.saved == 0:
        return observed.status.saved
    return f"{100 * calls.saved // (calls.made + calls.saved)}%"


def _api(observed: Observed) -> ApiPods | None:
    target = observed.target
    found = observed.children.get(("Deployment", target.names.api))
    if found is None:
        return observed.status.api
    labels = sorted(target.selector("api").items())
    return ApiPods(
        replicas=(found.get("status") or {}).get("replicas", 0),
        selector=",".join(f"{key}={value}" for key, value in labels),
    )


def _images(observed: Observed) -> StoreImages:
    """The images that the managed stores are ready with, now or earlier."""
    target, names = observed.target, observed.target.names
    servers = {
        "postgres": (("StatefulSet", names.postgres), target.images.postgres),
        "redis": (("Deployment", names.redis), target.images.redis),
    }
    ready = {
        store: image
        for store, (key, image) in servers.items()
        if (server := observed.children.get(key)) and is_ready(server) and image_of(server) == image
    }
    return observed.status.operator.images.model_copy(update=ready)


def _recreated(observed: Observed, outcomes: Sequence[Outcome], now: datetime) -> Recreated:
    """When managed Secrets were made again. If a Secret had to be created while its server runs,
    somebody had deleted it: the server still has the old password, and must be restarted."""
    names, old = observed.target.names, observed.status.operator.recreated
    servers = {"postgres": ("StatefulSet", names.postgres), "redis": ("Deployment", names.redis)}
    made: dict[str, datetime] = {
        outcome.step.server: now
        for outcome in outcomes
        if isinstance(outcome.step, CreateSecret)
        and outcome.result == "done"
        and servers[outcome.step.server] in observed.children
    }
    return old.model_copy(update=made)

"""The conditions. Each message gives the cause, then the next thing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ragwright_core.status import Condition, ConditionType, Index, PipelineStatus
from ragwright_operator.describe.facts import Facts
from ragwright_operator.describe.finding import Finding
from ragwright_operator.describe.reindexing import pinned, reindexing
from ragwright_operator.describe.standing import reconciling, stalled
from ragwright_operator.describe.troubles.controllers import controller_troubles, describe_command
from ragwright_operator.describe.troubles.found import build_troubles
from ragwright_operator.describe.troubles.pods import pod_troubles
from ragwright_operator.plan.steps import Outcome
from ragwright_operator.world.observed import Observed, is_ours
from ragwright_operator.world.trouble import Trouble

MOST_OTHERS = 9
# Programs that read conditions take no more (metav1.Condition).
LONGEST_MESSAGE = 32_768


def conditions(
    facts: Facts, wrong: Sequence[Trouble], outcomes: Sequence[Outcome]
) -> list[Condition]:
    observed = facts.observed
    old = {condition.type: condition for condition in observed.status.conditions}
    stall = stalled(wrong)
    going = reindexing(facts)
    index_ready = _index_ready(facts.index, [*build_troubles(facts), *wrong], going)
    api = _api_available(facts)
    found: dict[ConditionType, Finding] = {
        "Ready": _ready(observed, index_ready, api),
        "IndexReady": index_ready,
        "ApiAvailable": api,
        "CacheAvailable": _cache_available(facts),
        "Reindexing": going,
        "Degraded": degraded(wrong),
        "Reconciling": reconciling(facts, outcomes, stall, old.get("Reconciling")),
        "Stalled": stall,
    }
    if observed.spec.reindex.pin is not None:
        found["Pinned"] = pinned(facts, observed.spec.reindex.pin)
    return as_conditions(found, observed.status, observed.generation, facts.now)


def as_conditions(
    found: Mapping[ConditionType, Finding], before: PipelineStatus, generation: int, now: datetime
) -> list[Condition]:
    old = {item.type: item for item in before.conditions}
    return [
        _condition(kind, finding, old.get(kind), generation, now) for kind, finding in found.items()
    ]


def _condition(
    kind: ConditionType, finding: Finding, old: Condition | None, generation: int, now: datetime
) -> Condition:
    """A condition from a finding. `lastTransitionTime` changes only when the status changes."""
    same = old is not None and old.status == finding.status
    return Condition(
        type=kind,
        status=finding.status,
        reason=finding.reason,
        message=finding.message[:LONGEST_MESSAGE],
        last_transition_time=old.last_transition_time if same and old else now,
        observed_generation=generation,
    )


def degraded(wrong: Sequence[Trouble]) -> Finding:
    if not wrong:
        return Finding("False", "AsExpected", "nothing is wrong")
    first, others = wrong[0], wrong[1:]
    also = "".join(f" Also {other.reason}: {other.message}" for other in others[:MOST_OTHERS])
    more = f" And {len(others) - MOST_OTHERS} more." if len(others) > MOST_OTHERS else ""
    return Finding("True", first.reason, first.message + also + more)


def _ready(observed: Observed, index: Finding, api: Finding) -> Finding:
    for finding in (index, api):
        if finding.status != "True":
            return Finding("False", finding.reason, finding.message)
    return Finding("True", "Answering", f"questions are answered at {observed.target.url}")


def _index_ready(index: Index, wrong: Sequence[Trouble], going: Finding) -> Finding:
    if live := index.live:
        counts = f"{live.documents} documents, {live.chunks} chunks"
        return Finding("True", "Live", f"version {live.number} answers: {counts}")
    if wrong:
        return Finding("False", wrong[0].reason, wrong[0].message)
    return Finding("False", "NoVersion", f"no version is live yet; {going.message}")


def _api_available(facts: Facts) -> Finding:
    observed = facts.observed
    names = observed.target.names
    found = observed.children.get(("Deployment", names.api), {})
    wanted = observed.spec.api.replicas
    if observed.spec.api.autoscaling:
        wanted = (found.get("spec") or {}).get("replicas", 1)
    elif wanted == 0:
        return Finding("False", "ScaledToZero", "api.replicas is 0: raise it to have answers")
    service = observed.children.get(("Service", names.api))
    if service is None or not is_ours(service, observed.target):
        return Finding("False", "NoService", f"Service {names.api} is not there, or not ours")
    ready = (found.get("status") or {}).get("availableReplicas") or 0
    if ready:
        return Finding("True", "Available", f"{ready} of {wanted} pods answer")
    return _not_ready(facts, "api", names.api, "no API pod is ready yet")


def _cache_available(facts: Facts) -> Finding:
    observed = facts.observed
    secret, names = observed.spec.cache.secret_key_ref, observed.target.names
    if secret:
        return Finding(
            "Unknown",
            "External",
            f"the cache named by Secret {secret.name} is not ours to watch. "
            "See the API's metric ragwright_redis_failures_total",
        )
    status = observed.children.get(("Deployment", names.redis), {}).get("status") or {}
    if status.get("readyReplicas"):
        return Finding("True", "Available", "the managed Redis is ready")
    cause = "Redis is not ready; answers go on without it"
    return _not_ready(facts, "redis", names.redis, cause)


def _not_ready(facts: Facts, component: str, deployment: str, cause: str) -> Finding:
    """Why no pod of a Deployment is ready. Where there is no pod, none can be looked at."""
    observed, memory, now = facts.observed, facts.memory, facts.now
    found = [
        *pod_troubles(observed, now, component),
        *controller_troubles(observed, memory, now, component),
    ]
    if found:
        return Finding("False", found[0].reason, found[0].message)
    names = observed.target.names
    see = describe_command(observed, "Deployment", deployment)
    if any(pod.component == component for pod in observed.pods):
        labels = f"ragwright.dev/pipeline={names.name},app.kubernetes.io/component={component}"
        see = f"kubectl -n {names.namespace} describe pods -l {labels}"
    return Finding("False", "NotReady", f"{cause}. See: {see}")

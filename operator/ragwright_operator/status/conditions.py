"""The conditions. Each message gives the cause, then the next thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ragwright_core.status import Build, Condition, ConditionType, Index
from ragwright_operator.observed import Observed, Trouble, is_ours
from ragwright_operator.status.finding import Finding
from ragwright_operator.status.reindexing import pinned, reindexing
from ragwright_operator.status.troubles import build_troubles, pod_troubles


def conditions(
    observed: Observed,
    index: Index,
    build: Build | None,
    wrong: Sequence[Trouble],
    now: datetime,
) -> list[Condition]:
    going = reindexing(observed, build, now)
    index_ready = _index_ready(index, build, wrong, going)
    api = _api_available(observed, now)
    found: dict[ConditionType, Finding] = {
        "Ready": _ready(observed, index_ready, api),
        "IndexReady": index_ready,
        "ApiAvailable": api,
        "CacheAvailable": _cache_available(observed, now),
        "Reindexing": going,
        "Degraded": degraded(wrong),
    }
    if observed.spec.reindex.pin is not None:
        found["Pinned"] = pinned(observed, index, observed.spec.reindex.pin)
    old = {condition.type: condition for condition in observed.status.conditions}
    return [
        condition(kind, finding, old.get(kind), observed.generation, now)
        for kind, finding in found.items()
    ]


def condition(
    kind: ConditionType, finding: Finding, old: Condition | None, generation: int, now: datetime
) -> Condition:
    """`lastTransitionTime` moves only when the status does."""
    same = old is not None and old.status == finding.status
    return Condition(
        type=kind,
        status=finding.status,
        reason=finding.reason,
        message=finding.message,
        last_transition_time=old.last_transition_time if same and old else now,
        observed_generation=generation,
    )


def degraded(wrong: Sequence[Trouble]) -> Finding:
    if not wrong:
        return Finding("False", "AsExpected", "nothing is wrong")
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Finding("True", wrong[0].reason, wrong[0].message + more)


def _ready(observed: Observed, index: Finding, api: Finding) -> Finding:
    for finding in (index, api):
        if finding.status != "True":
            return Finding("False", finding.reason, finding.message)
    return Finding("True", "Answering", f"questions are answered at {observed.target.names.url}")


def _index_ready(
    index: Index, build: Build | None, wrong: Sequence[Trouble], going: Finding
) -> Finding:
    if live := index.live:
        counts = f"{live.documents} documents, {live.chunks} chunks"
        return Finding("True", "Live", f"version {live.number} answers: {counts}")
    if first := next(iter(build_troubles(build) or wrong), None):
        return Finding("False", first.reason, first.message)
    return Finding("False", "NoVersion", f"no version is live yet; {going.message}")


def _api_available(observed: Observed, now: datetime) -> Finding:
    names, wanted = observed.target.names, observed.spec.api.replicas
    if wanted == 0:
        return Finding("False", "ScaledToZero", "api.replicas is 0: raise it to have answers")
    service = observed.children.get(("Service", names.api))
    if service is None or not is_ours(service, observed.target):
        return Finding("False", "NoService", f"Service {names.api} is not there, or not ours")
    status = observed.children.get(("Deployment", names.api), {}).get("status") or {}
    ready = status.get("availableReplicas") or 0
    if ready:
        return Finding("True", "Available", f"{ready} of {wanted} pods answer")
    return _not_ready(observed, now, "api", "no API pod is ready yet")


def _cache_available(observed: Observed, now: datetime) -> Finding:
    secret, names = observed.spec.cache.secret_ref, observed.target.names
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
    return _not_ready(observed, now, "redis", "Redis is not ready; answers go on without it")


def _not_ready(observed: Observed, now: datetime, component: str, cause: str) -> Finding:
    if found := pod_troubles(observed, now, component):
        return Finding("False", found[0].reason, found[0].message)
    names = observed.target.names
    labels = f"ragwright.dev/pipeline={names.name},app.kubernetes.io/component={component}"
    see = f"kubectl -n {names.namespace} describe pods -l {labels}"
    return Finding("False", "NotReady", f"{cause}. See: {see}")

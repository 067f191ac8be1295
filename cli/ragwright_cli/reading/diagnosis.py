"""What `doctor` finds, from what was looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ragwright_cli.pipeline import Manifest, Pipeline, moment
from ragwright_cli.reading.pods import find_stuck
from ragwright_cli.reading.wrong import Wrong, find_wrong
from ragwright_cli.refusals import INSTALL
from ragwright_core.spec import GROUP, PLURAL

OPERATOR_LABELS = "app.kubernetes.io/name=ragwright,app.kubernetes.io/component=operator"
_NAMESPACES = "RAGWRIGHT_WATCH_NAMESPACES"


@dataclass(frozen=True)
class Check:
    """`unknown` is what may not be looked at."""

    state: Literal["ok", "wrong", "unknown"]
    what: str
    command: str = ""


def resource(*, installed: bool) -> Check:
    if not installed:
        return Check("wrong", INSTALL)
    return Check("ok", f"the resource {PLURAL}.{GROUP} is installed")


def operator(deployments: Sequence[Manifest], namespace: str) -> Check:
    """Whether an operator runs that watches the namespace."""
    if not deployments:
        return Check("wrong", "no operator is installed", "helm install ragwright charts/ragwright")
    watching = [item for item in deployments if _watches(item, namespace)]
    names = ", ".join(sorted(map(_named, deployments)))
    if not watching:
        what = f"no operator watches namespace {namespace} ({names} watches others)"
        return Check("wrong", what, "helm upgrade ... --set watchNamespaces={...}")
    ready = [item for item in watching if (item.get("status") or {}).get("availableReplicas")]
    if not ready:
        metadata = watching[0]["metadata"]
        command = f"kubectl -n {metadata['namespace']} describe deployment {metadata['name']}"
        return Check("wrong", f"the operator {_named(watching[0])} has no ready pod", command)
    return Check("ok", f"the operator {_named(ready[0])} runs")


def _named(deployment: Manifest) -> str:
    return f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}"


def _watches(deployment: Manifest, namespace: str) -> bool:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    names = [
        str(item.get("value") or "")
        for container in containers
        for item in container.get("env") or []
        if item["name"] == _NAMESPACES
    ]
    return not any(names) or namespace in [name for text in names for name in text.split(",")]


def pipeline(found: Pipeline, pods: Iterable[Manifest]) -> list[Check]:
    """Troubles of the status first; a pod that they name is not told again."""
    wrong = find_wrong(found)
    told = " ".join(item.cause for item in wrong)
    stuck = [item for item in find_stuck(pods) if item.what not in told]
    checks = [*_unseen(found), *(_check(found, item) for item in [*wrong, *stuck])]
    return checks or [_well(found)]


def _unseen(found: Pipeline) -> Iterator[Check]:
    if not found.is_seen:
        see = f"kubectl -n {found.names.namespace} get events --field-selector "
        yield Check(
            "wrong",
            f"pipeline {found.names.name}: the operator has not looked at generation "
            f"{found.generation}; it looks within seconds",
            f"{see}involvedObject.name={found.names.name}",
        )


def _check(found: Pipeline, item: Wrong) -> Check:
    return Check(
        "wrong",
        f"pipeline {found.names.name}: {item.cause} ({item.reason}, {item.what})",
        item.command,
    )


def _well(found: Pipeline) -> Check:
    name, live = found.names.name, found.status.index.live
    making = found.condition("Reconciling")
    if making and making.status == "True":
        return Check("ok", f"pipeline {name} is being made: {making.message}")
    if live:
        return Check(
            "ok", f"pipeline {name} answers from version {live.number} of {moment(live.swapped_at)}"
        )
    return Check("ok", f"pipeline {name}: nothing is wrong")

"""Controllers whose pods may not be made: a quota, a limit or an admission rule refuses them. A
Deployment says so in a condition, a Job and a StatefulSet in events alone, which the operator may
not read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest
from ragwright_operator.memory.memory import Memory
from ragwright_operator.world.observed import Key, Observed
from ragwright_operator.world.podless import Podless, find_podless
from ragwright_operator.world.trouble import Trouble


def controller_troubles(
    observed: Observed, memory: Memory, now: datetime, component: str = ""
) -> list[Trouble]:
    """Troubles of the controllers of one component, or of all if it is empty."""
    told = dict(_in_their_words(observed, component))
    for found in find_podless(observed):
        since = memory.podless.get(found.key)
        if component not in ("", found.component) or since is None:
            continue
        if now - since >= found.patience:
            told.setdefault((found.kind, found.name), without_pod(observed, found))
    return list(told.values())


def without_pod(observed: Observed, found: Podless) -> Trouble:
    return Trouble(
        "PodsRefused",
        f"{found.kind} {found.name} wants a pod and has none: a quota, a limit or an admission "
        f"rule may refuse it. See: {describe_command(observed, found.kind, found.name)}",
    )


def describe_command(observed: Observed, kind: str, name: str) -> str:
    return f"kubectl -n {observed.target.names.namespace} describe {kind.lower()} {name}"


def _in_their_words(observed: Observed, component: str) -> Iterator[tuple[Key, Trouble]]:
    for key, existing in observed.children.items():
        of = (existing["metadata"].get("labels") or {}).get(COMPONENT_LABEL, "")
        if component not in ("", of):
            continue
        for item in _failures(existing):
            kind, name = key
            yield key, Trouble("PodsRefused", f"{kind} {name}: {item.get('message', '')}")


def _failures(existing: Manifest) -> list[Manifest]:
    conditions = (existing.get("status") or {}).get("conditions") or []
    return [
        item for item in conditions if item["type"] == "ReplicaFailure" and item["status"] == "True"
    ]

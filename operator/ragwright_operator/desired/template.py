"""The template of every pod: what its component says, the administrator's defaults, and what one
pipeline needs. Nothing but where and how a pod runs can be changed here."""

from __future__ import annotations

from typing import Any

from ragwright_core.model import Model
from ragwright_core.spec import Placement
from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest, Target

NOTHING = Placement()


def pod_template(
    target: Target, labels: dict[str, str], pod: Manifest, annotations: dict[str, str] | None = None
) -> Manifest:
    """Our own labels and annotations win."""
    defaults, own = target.pods, target.spec.pod_template or NOTHING
    notes = {**defaults.annotations, **own.annotations, **(annotations or {})}
    return {
        "metadata": {
            "labels": {**defaults.labels, **own.labels, **labels},
            **({"annotations": notes} if notes else {}),
        },
        "spec": {**pod, **_placement(target, labels)},
    }


def _placement(target: Target, labels: dict[str, str]) -> Manifest:
    """Only what is set: an empty field would be a difference to what the API server shows."""
    defaults, own = target.pods, target.spec.pod_template or NOTHING
    affinity = own.affinity or defaults.affinity
    chosen: Manifest = {
        "imagePullSecrets": [{"name": secret.name} for secret in defaults.image_pull_secrets],
        "nodeSelector": {**defaults.node_selector, **own.node_selector},
        "tolerations": [_plain(item) for item in (*defaults.tolerations, *own.tolerations)],
        "affinity": _plain(affinity) if affinity else None,
        "topologySpreadConstraints": _spread(target, labels),
        "priorityClassName": own.priority_class_name or defaults.priority_class_name,
        "runtimeClassName": defaults.runtime_class_name,
    }
    return {field: value for field, value in chosen.items() if value}


def _spread(target: Target, labels: dict[str, str]) -> list[Manifest]:
    own = target.spec.pod_template or NOTHING
    selector = {"matchLabels": target.selector(labels[COMPONENT_LABEL])}
    chosen = own.topology_spread_constraints or target.pods.topology_spread_constraints
    return [{**_plain(item), "labelSelector": selector} for item in chosen]


def _plain(item: Model) -> dict[str, Any]:
    return item.model_dump(exclude_none=True)

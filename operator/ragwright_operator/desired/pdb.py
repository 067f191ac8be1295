"""A drain takes the API's pods one at a time."""

from __future__ import annotations

from ragwright_operator.desired.target import Manifest, Target


def disruption_budget(target: Target) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": target.metadata(target.names.api, "api"),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": target.selector("api")},
        },
    }

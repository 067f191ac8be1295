"""Helpers that the fault rows on a cluster share."""

from __future__ import annotations

import time

from dev.kubectl import until
from ragwright_core.names import PIPELINE_LABEL
from tests.kit.faults.stage import Stage


def hold(seconds: float) -> None:
    """Let a fault last. The duration is part of the test, not a guess at when something is done."""
    ends_at = time.monotonic() + seconds
    until(lambda: time.monotonic() >= ends_at, seconds + 5, "the end of the fault", pause=0.2)


def pods_of(stage: Stage, component: str) -> list[str]:
    """Names of a component's pods that have not ended and are not going."""
    labels = f"app.kubernetes.io/component={component},{PIPELINE_LABEL}={stage.name}"
    found = stage.space.items("Pod", labels)
    return [
        pod["metadata"]["name"]
        for pod in found
        if "deletionTimestamp" not in pod["metadata"]
        and pod["status"]["phase"] in ("Pending", "Running")
    ]


def until_pod(stage: Stage, component: str) -> str:
    return until(lambda: pods_of(stage, component), 60, f"a pod of {component}", pause=0.1)[0]

"""What the CRD admits can be run: the largest spec there is starts its Jobs' pods."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.kubectl import KubectlError, until
from ragwright_core.names import PIPELINE_LABEL
from ragwright_core.report import Reason, Report
from tests.kit.cluster import Namespace, pipeline
from tests.kit.largest import largest


def apply(namespace: Namespace, manifest: dict[str, Any]) -> None:
    """By the server: kubectl's own apply keeps the whole in an annotation, which is too small."""
    namespace("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))


def load_reports(namespace: Namespace, name: str) -> list[Report]:
    """What the load pods wrote at their end: one that could not start has written nothing."""
    labels = f"{PIPELINE_LABEL}={name},app.kubernetes.io/component=load"
    return [
        Report.read(ended["message"])[0]
        for pod in namespace.kubectl.items("-n", namespace.name, "pods", "-l", labels)
        for container in pod["status"].get("containerStatuses") or []
        if (ended := container["state"].get("terminated"))
    ]


def test_the_largest_spec_starts_its_pods(namespace: Namespace) -> None:
    apply(namespace, pipeline("large", **largest()))
    reports = until(lambda: load_reports(namespace, "large"), 240, "a load pod to report")
    problem = reports[0].problem
    assert problem is not None
    # It has read its order, and asks for what it needs first.
    assert problem.reason is Reason.SECRET_MISSING, problem
    assert "embedding.secretKeyRef" in problem.message
    assert "embedding.secretKeyRef" in namespace.until_reason("large", "SecretMissing")


def test_one_glob_more_is_refused(namespace: Namespace) -> None:
    groups = largest()
    groups["sources"][7]["include"].append("x")
    with pytest.raises(KubectlError, match=r"sources\[7\]\.include.*at most 20 items"):
        apply(namespace, pipeline("larger", **groups))

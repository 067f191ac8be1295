"""Rows 15 and 17: pods of Jobs and of the API die, and find no room."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.cluster.embedded.paths import NODE_NAME
from dev.kubectl import KubectlError, until
from tests.conftest import Holds
from tests.kit.faults.pods import pods_of, until_pod
from tests.kit.faults.stage import Stage
from tests.kit.faults.table import Record

NOW = ("--grace-period=0", "--force", "--wait=false")
_SMALL = {"requests": {"cpu": "20m", "memory": "32Mi"}}


def delete(stage: Stage, pod: str) -> None:
    stage.space("delete", "pod", pod, *NOW)


def evict(stage: Stage, pod: str) -> None:
    wish = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": stage.space.name},
    }
    where = f"/api/v1/namespaces/{stage.space.name}/pods/{pod}/eviction"
    stage.space.kubectl("create", "--raw", where, "-f", "-", stdin=json.dumps(wish))


@pytest.mark.row(15, "load's pod deleted, index's evicted")
def test_job_pods_lost(stage: Stage, record: Record) -> None:
    """A report that is lost with its pod asks for another attempt: two Jobs, or three."""
    with stage.row(record, builds=None) as seen:
        term = seen.term()
        live = stage.ask_for(stage.revision + 1)
        delete(stage, until_pod(stage, "load"))
        evict(stage, until_pod(stage, "index"))
        stage.until_swapped(live)
        record.exactly("swaps", seen.term() - term, 1)


@pytest.mark.row(15, "out of memory, then given more")
def test_out_of_memory(stage: Stage, record: Record) -> None:
    usual = stage.get()["spec"]["ingest"]["resources"]
    with stage.row(record, builds=None) as seen:
        term = seen.term()
        stage.patch(ingest={"resources": {**_SMALL, "limits": {"cpu": "1", "memory": "32Mi"}}})
        live = stage.ask_for(stage.revision + 1)
        told = stage.space.until_reason(stage.name, "OutOfMemory", 120)
        assert "Raise resources.limits.memory" in told
        stage.patch(ingest={"resources": usual})
        stage.until_swapped(live)
        record.exactly("swaps", seen.term() - term, 1)


@pytest.mark.row(15, "node cordoned and its Job pods driven out")
def test_node_drained(stage: Stage, record: Record) -> None:
    kubectl = stage.space.kubectl
    with stage.row(record, builds=None):
        live = stage.ask_for(stage.revision + 1)
        pod = until_pod(stage, "load")
        kubectl("cordon", NODE_NAME)
        try:
            _drain(stage, pod)
            told = stage.space.until_reason(stage.name, "PodsUnschedulable", 60)
            assert "fits no node" in told
        finally:
            kubectl("uncordon", NODE_NAME)
        stage.until_swapped(live)


def _drain(stage: Stage, pod: str) -> None:
    try:
        evict(stage, pod)
    except KubectlError as error:
        assert "not found" in str(error), "the pod had ended already"  # noqa: PT017


@pytest.mark.row(15, "image missing, and the deadline passed")
def test_image_missing_until_the_deadline(stage: Stage, record: Record, holds: Holds) -> None:
    usual = stage.operator.environment["RAGWRIGHT_IMAGE"]
    with stage.row(record, builds=None) as seen:
        term = seen.term()
        stage.operator.restart(RAGWRIGHT_IMAGE="localhost/ragwright:nowhere")
        live = stage.ask_for(stage.revision + 1)
        told = stage.space.until_reason(stage.name, "ImageUnavailable", 60)
        assert "localhost/ragwright:nowhere" in told
        _shorten_deadline(stage, holds)
        until(lambda: _build(stage).get("outcome") == "failed", 90, "the deadline to pass")
        stage.operator.restart(RAGWRIGHT_IMAGE=usual)
        stage.until_swapped(live)
        record.exactly("swaps", seen.term() - term, 1)


def _shorten_deadline(stage: Stage, holds: Holds) -> None:
    """The spec's smallest is a minute: where rows are short the Job itself is given less."""
    if not holds.operator_down:
        text = json.dumps({"spec": {"activeDeadlineSeconds": 5}})
        for job in stage.jobs():
            stage.space("patch", "job", job, "--type=merge", "-p", text)


def _build(stage: Stage) -> dict[str, Any]:
    memory = stage.space.state(stage.name).status.get("operator") or {}
    return dict(memory.get("build") or {})


@pytest.mark.row(17, "API pods killed one by one and rolled, during a swap")
def test_api_pods_killed_and_rolled(stage: Stage, record: Record) -> None:
    with stage.row(record, builds=1) as seen:
        term = seen.term()
        live = stage.ask_for(stage.revision + 1)
        until_pod(stage, "index")
        [pod, *_] = pods_of(stage, "api")
        stage.space("delete", "pod", pod, "--wait=false")
        stage.until_swapped(live)
        stage.space("rollout", "restart", f"deploy/{stage.names.api}")
        stage.space("rollout", "status", f"deploy/{stage.names.api}", "--timeout=120s")
        stage.settle()
        until(lambda: len(pods_of(stage, "api")) == 2, 60, "the old pods to be gone")
        record.exactly("swaps", seen.term() - term, 1)

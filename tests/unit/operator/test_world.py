"""What is read off raw pods and Jobs."""

from __future__ import annotations

from typing import Any

import pytest

from ragwright_core.report import Report
from ragwright_operator.world.jobs import read_job
from ragwright_operator.world.pods import read_pod


def pod(*containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "creationTimestamp": "2026-11-23T08:00:00Z", "labels": {}},
        "spec": {},
        "status": {"containerStatuses": list(containers), **status},
    }


@pytest.mark.parametrize(
    ("container", "reason", "words"),
    [
        (
            {"image": "x:1", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}},
            "ImageUnavailable",
            "x:1: no",
        ),
        (
            {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "root"}}},
            "PodCannotStart",
            "root",
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 3}},
            },
            "PodCrashes",
            "exit code 3",
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "OOMKilled"}},
            },
            "OutOfMemory",
            "limits.memory",
        ),
        ({"state": {"terminated": {"reason": "OOMKilled"}}}, "OutOfMemory", "limits.memory"),
    ],
)
def test_troubles_name_the_cause_and_the_next_step(
    container: dict[str, Any], reason: str, words: str
) -> None:
    trouble = read_pod(pod(container)).trouble
    assert trouble is not None
    assert trouble.reason == reason
    assert words in trouble.message


@pytest.mark.parametrize("state", [{"running": {}}, {"waiting": {"reason": "ContainerCreating"}}])
def test_a_pod_that_starts_or_runs_is_no_trouble(state: dict[str, Any]) -> None:
    assert read_pod(pod({"state": state})).trouble is None
    assert read_pod({**pod(), "status": {}}).trouble is None


def test_a_report_is_read_and_anything_else_is_none() -> None:
    report = Report(outcome="loaded", number=7)
    written = report.message().decode()
    found = read_pod(pod({"state": {"terminated": {"message": written}}}, phase="Succeeded"))
    assert (found.report, found.ended) == (report, True)
    assert read_pod(pod({"state": {"terminated": {"message": "Killed"}}})).report is None
    assert read_pod(pod({"state": {"terminated": {}}})).report is None


def test_mounted_keys() -> None:
    made = pod()
    items = [{"key": "token", "path": "token"}]
    made["spec"] = {"volumes": [{"secret": {"secretName": "s", "items": items}}, {"emptyDir": {}}]}
    assert read_pod(made).secrets == {("s", "token")}


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ([], None),
        ([{"type": "Complete", "status": "True"}], "complete"),
        ([{"type": "Complete", "status": "False"}], None),
        ([{"type": "FailureTarget", "status": "True"}], None),
        ([{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}], "failed"),
    ],
)
def test_a_job_is_finished_when_kubernetes_says_so(
    conditions: list[dict[str, str]], outcome: str | None
) -> None:
    job = {
        "metadata": {"name": "j", "creationTimestamp": "2026-11-23T08:00:00Z"},
        "spec": {"template": {"spec": {"containers": [{}]}}},
        "status": {"conditions": conditions},
    }
    read = read_job(job)
    assert read.outcome == outcome
    assert ("DeadlineExceeded" in read.why) == (outcome == "failed")

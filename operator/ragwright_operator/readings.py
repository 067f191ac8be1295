"""Reads raw Jobs and pods into what matters of them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from ragwright_core.handover import BuildOrder, SwapOrder
from ragwright_core.names import BUILD_ENV
from ragwright_core.report import Report
from ragwright_operator.desired.job import UID_LABEL
from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest
from ragwright_operator.observed import JobState, PodState, Trouble

Order = TypeVar("Order", BuildOrder, SwapOrder)

_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_NO_START = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


def read_job(job: Manifest) -> JobState:
    labels = job["metadata"].get("labels") or {}
    conditions = {
        item["type"]: item
        for item in (job.get("status") or {}).get("conditions") or []
        if item["status"] == "True"
    }
    failed = conditions.get("Failed")
    return JobState(
        name=job["metadata"]["name"],
        component=labels.get(COMPONENT_LABEL, ""),
        uid_label=labels.get(UID_LABEL, ""),
        outcome="failed" if failed else "complete" if "Complete" in conditions else None,
        why=f"{failed.get('reason', '')}: {failed.get('message', '')}" if failed else "",
        created=datetime.fromisoformat(job["metadata"]["creationTimestamp"]),
        order=_order(job, BuildOrder),
        swap=_order(job, SwapOrder),
        deleting="deletionTimestamp" in job["metadata"],
    )


def _order(job: Manifest, kind: type[Order]) -> Order | None:
    for variable in job["spec"]["template"]["spec"]["containers"][0].get("env") or []:
        if variable["name"] == BUILD_ENV:
            try:
                return kind.model_validate_json(variable.get("value", ""))
            except ValidationError:
                return None  # an order of another kind, or one that another release wrote
    return None


def read_pod(pod: Manifest) -> PodState:
    metadata, status = pod["metadata"], pod.get("status") or {}
    labels = metadata.get("labels") or {}
    ready = any(
        item["type"] == "Ready" and item["status"] == "True"
        for item in status.get("conditions") or []
    )
    return PodState(
        name=metadata["name"],
        component=labels.get(COMPONENT_LABEL, ""),
        job=labels.get("batch.kubernetes.io/job-name", ""),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        ready=ready,
        ended=status.get("phase") in ("Succeeded", "Failed"),
        secrets=_secrets(pod),
        trouble=_trouble(metadata["name"], status),
        report=_report(status),
    )


def _secrets(pod: Manifest) -> frozenset[tuple[str, str]]:
    return frozenset(
        (volume["secret"]["secretName"], item["key"])
        for volume in pod["spec"].get("volumes") or []
        if "secret" in volume
        for item in volume["secret"].get("items") or []
    )


def _report(status: dict[str, Any]) -> Report | None:
    for container in status.get("containerStatuses") or []:
        message = ((container.get("state") or {}).get("terminated") or {}).get("message", "")
        try:
            return Report.model_validate_json(message)
        except ValidationError:
            continue  # killed before it could write, or not one of our programs
    return None


def _trouble(name: str, status: dict[str, Any]) -> Trouble | None:
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            said = condition.get("message", "")
            return Trouble(
                "PodsUnschedulable",
                f"pod {name} fits no node: {said} Lower its requests in the spec, or add a node.",
            )
    for container in status.get("containerStatuses") or []:
        if found := _container_trouble(name, container):
            return found
    return None


def _container_trouble(name: str, container: dict[str, Any]) -> Trouble | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    last = (container.get("lastState") or {}).get("terminated") or {}
    ended = (container.get("state") or {}).get("terminated") or last
    reason, said = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _NO_IMAGE:
        image = container.get("image", "")
        return Trouble(
            "ImageUnavailable",
            f"pod {name} cannot get image {image}: {said or reason}. "
            "Correct the image in the operator's settings, or its pull secret.",
        )
    if reason in _NO_START:
        return Trouble(
            "PodCannotStart", f"pod {name}: {said or reason}. See: kubectl describe pod {name}"
        )
    if ended.get("reason") == "OOMKilled":
        return Trouble(
            "OutOfMemory",
            f"pod {name} was killed for using more than its memory limit. "
            "Raise resources.limits.memory in the spec.",
        )
    if reason == "CrashLoopBackOff":
        code = last.get("exitCode", "?")
        return Trouble(
            "PodCrashes",
            f"pod {name} ends with exit code {code}. See: kubectl logs {name} --previous",
        )
    return None

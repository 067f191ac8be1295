"""Reads raw pods into the facts that the operator needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ragwright_core.model import Paths
from ragwright_core.report import Report
from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest
from ragwright_operator.world.trouble import Trouble

_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_NO_START = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


@dataclass(frozen=True)
class PodState:
    """A pod. `secrets` are the (Secret, key) pairs that it mounts. `config_maps` are those that it
    would read again if its container restarted. `ended`: none of its containers runs or will run.
    `ignored` are unknown fields of its report."""

    name: str
    component: str
    job: str
    created: datetime
    ready: bool = False
    ended: bool = False
    secrets: frozenset[tuple[str, str]] = frozenset()
    config_maps: frozenset[str] = frozenset()
    trouble: Trouble | None = None
    report: Report | None = None
    ignored: Paths = ()


def read_pod(pod: Manifest) -> PodState:
    metadata, status = pod["metadata"], pod.get("status") or {}
    labels = metadata.get("labels") or {}
    report, ignored = _report(status)
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
        config_maps=_config_maps(pod),
        trouble=_trouble(metadata["name"], status),
        report=report,
        ignored=ignored,
    )


def _secrets(pod: Manifest) -> frozenset[tuple[str, str]]:
    return frozenset(
        (volume["secret"]["secretName"], item["key"])
        for volume in pod["spec"].get("volumes") or []
        if "secret" in volume
        for item in volume["secret"].get("items") or []
    )


def _config_maps(pod: Manifest) -> frozenset[str]:
    if "deletionTimestamp" in pod["metadata"]:
        return frozenset()  # a pod that is being deleted restarts no container
    volumes = pod["spec"].get("volumes") or []
    return frozenset(item["configMap"]["name"] for item in volumes if "configMap" in item)


def _report(status: dict[str, Any]) -> tuple[Report | None, Paths]:
    for container in status.get("containerStatuses") or []:
        message = ((container.get("state") or {}).get("terminated") or {}).get("message", "")
        try:
            return Report.read_what_fits(message)
        except ValueError:
            continue  # killed before it could write, or not one of our programs
    return None, ()


def _trouble(name: str, status: dict[str, Any]) -> Trouble | None:
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            said = condition.get("message", "")
            return Trouble(
                "PodsUnschedulable",
                f"pod {name} fits no node: {said} Lower its requests in the spec, or add a node.",
            )
    first = status.get("initContainerStatuses") or []
    for container in [*first, *(status.get("containerStatuses") or [])]:
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

"""Jobs: load, index, swap, and the clean-up after a pipeline's deletion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ragwright_core.handover import BuildOrder, CleanupOrder, SwapOrder
from ragwright_core.names import BUILD_ENV, REQUEST_LABEL, SOURCES_FOLDER
from ragwright_core.spec import GROUP, RagPipelineSpec, Resources, SecretKey
from ragwright_operator.desired.pods import (
    RAGWRIGHT_UID,
    container_security,
    mount,
    pod_security,
    resources,
    scratch,
    secret_folders,
    store_env,
    store_mounts,
    store_volumes,
)
from ragwright_operator.desired.target import Manifest, Target

BuildStep = Literal["load", "index"]
# Those that write the index; the clean-up comes after all of them.
JOB_COMPONENTS = ("load", "index", "swap")

UID_LABEL = f"{GROUP}/uid"
EXIT_INPUT = 42  # ragwright-ingest: the input is at fault, the same pod would meet it again
RETRIES_PER_POD = 2
CLEANUP_TTL_SECONDS = 600


def build_job(target: Target, order: BuildOrder, step: BuildStep, attempt: int) -> Manifest:
    """One step of a build. Its name says what was asked for: the same thing never runs twice."""
    pods = order.spec.ingest.parallelism if step == "load" else 1
    job = _job(target, order, step, attempt, pods)
    pod = job["spec"]["template"]["spec"]
    _add_secrets(pod, [*_add_sources(pod, order.spec), *target.embedding_keys()])
    return job


def swap_job(target: Target, order: SwapOrder) -> Manifest:
    """A swap to a version that is there; its golden questions may need any kept version's model."""
    job = _job(target, order, "swap", order.attempt, 1)
    _add_secrets(job["spec"]["template"]["spec"], target.embedding_keys())
    return job


def _job(
    target: Target, order: BuildOrder | SwapOrder, step: str, attempt: int, pods: int
) -> Manifest:
    metadata = target.metadata(target.names.job(order.request, step, attempt), step)
    metadata["labels"][REQUEST_LABEL] = order.request[:40]
    pod = _pod(target, step, order.model_dump_json(), order.spec.ingest.resources)
    pod["serviceAccountName"] = target.names.api
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "completionMode": "Indexed",
            "backoffLimit": RETRIES_PER_POD * pods,
            "activeDeadlineSeconds": order.spec.ingest.deadline_seconds,
            "podFailurePolicy": _failure_policy(),
            "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod},
        },
    }


def cleanup_job(target: Target) -> Manifest:
    """Has no owner, or the garbage collector would stop it; goes by its TTL."""
    metadata = target.metadata(target.names.cleanup_job, "cleanup")
    del metadata["ownerReferences"]
    metadata["labels"][UID_LABEL] = target.identity.uid
    order = CleanupOrder(pipeline=target.identity).model_dump_json()
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": RETRIES_PER_POD,
            "activeDeadlineSeconds": CLEANUP_TTL_SECONDS,
            "ttlSecondsAfterFinished": CLEANUP_TTL_SECONDS,
            "template": {
                "metadata": {"labels": metadata["labels"]},
                "spec": _pod(target, "cleanup", order, target.spec.ingest.resources),
            },
        },
    }


def _failure_policy() -> Manifest:
    return {
        "rules": [
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            {
                "action": "FailJob",
                "onExitCodes": {
                    "containerName": "ingest",
                    "operator": "In",
                    "values": [EXIT_INPUT],
                },
            },
        ]
    }


def _pod(target: Target, command: str, order: str, wanted: Resources) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        "securityContext": pod_security(RAGWRIGHT_UID),
        "containers": [
            {
                "name": "ingest",
                "image": target.images.ragwright,
                "imagePullPolicy": target.images.pull_policy,
                "command": ["ragwright-ingest", command],
                "env": [
                    {"name": BUILD_ENV, "value": order},
                    *store_env(),
                    {"name": "HOME", "value": "/tmp"},  # noqa: S108 - its own volume
                ],
                "resources": resources(wanted),
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "securityContext": container_security(),
                "volumeMounts": [
                    *store_mounts(),
                    mount("tmp", "/tmp", read_only=False),  # noqa: S108
                ],
            }
        ],
        "volumes": [*store_volumes(target), scratch("tmp", "10Gi")],
    }


def _add_sources(pod: Manifest, spec: RagPipelineSpec) -> list[SecretKey]:
    """Mount the sources' ConfigMaps; returns the keys of their Secrets."""
    keys: list[SecretKey] = []
    mounts = pod["containers"][0]["volumeMounts"]
    for number, source in enumerate(spec.sources):
        if source.git and source.git.secret_ref:
            secret = source.git.secret_ref.name
            keys += [SecretKey(name=secret, key=key) for key in ("username", "password")]
        if source.config_map:
            name = f"source-{number}"
            config_map = {"name": source.config_map.name, "optional": True}
            pod["volumes"].append({"name": name, "configMap": config_map})
            mounts.append(mount(name, SOURCES_FOLDER / source.name))
    return keys


def _add_secrets(pod: Manifest, keys: Iterable[SecretKey]) -> None:
    volumes, mounts = secret_folders(keys)
    pod["volumes"] += volumes
    pod["containers"][0]["volumeMounts"] += mounts

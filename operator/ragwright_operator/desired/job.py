"""Jobs: load, index, swap, and the clean-up after a pipeline's deletion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ragwright_core.contract import EXIT_INPUT, SOURCES_FOLDER, TERMINATION_LOG
from ragwright_core.names import REQUEST_LABEL
from ragwright_core.orders import BuildOrder, CleanupOrder, SwapOrder
from ragwright_core.spec import GROUP, RagPipelineSpec, SecretKey
from ragwright_operator.desired.annotations import NOTE
from ragwright_operator.desired.notes import BuildNote, Note, SwapNote
from ragwright_operator.desired.order import order_map, order_mount, order_volume
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
from ragwright_operator.desired.target import BuildStep, Manifest, Target
from ragwright_operator.desired.template import pod_template

UID_LABEL = f"{GROUP}/uid"
RETRIES_PER_POD = 2
CLEANUP_TTL_SECONDS = 600


class Ordered(NamedTuple):
    """A Job, and the ConfigMap that holds its order."""

    job: Manifest
    order: Manifest


def build_job(target: Target, order: BuildOrder, note: BuildNote, step: BuildStep) -> Ordered:
    """One step of a build. The Job's name contains the request, so that no step runs twice."""
    pods = target.spec.ingest.parallelism if step == "load" else 1
    made = _job(target, order, note, step, pods)
    pod = made.job["spec"]["template"]["spec"]
    _add_secrets(pod, [*_add_sources(pod, target.spec), *target.embedding_keys()])
    return made


def swap_job(target: Target, order: SwapOrder, note: SwapNote) -> Ordered:
    """A swap to an existing version. Its golden questions may need any kept version's model."""
    made = _job(target, order, note, "swap", 1)
    _add_secrets(made.job["spec"]["template"]["spec"], target.embedding_keys())
    return made


def _job(
    target: Target, order: BuildOrder | SwapOrder, note: Note, step: str, pods: int
) -> Ordered:
    metadata = target.metadata(target.names.job(note.request, step, note.attempt), step)
    metadata["labels"][REQUEST_LABEL] = note.request[:40]
    metadata["annotations"] = {NOTE: note.model_dump_json(exclude_defaults=True)}
    config_map = order_map(metadata, order)
    pod = _pod(target, step, config_map)
    pod["serviceAccountName"] = target.names.api
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "completionMode": "Indexed",
            "backoffLimit": RETRIES_PER_POD * pods,
            "activeDeadlineSeconds": target.spec.ingest.deadline_seconds,
            "podFailurePolicy": _failure_policy(),
            "template": pod_template(target, metadata["labels"], pod),
        },
    }
    return Ordered(job, config_map)


def cleanup_job(target: Target) -> Ordered:
    """The clean-up after a deletion. It has no owner, or the garbage collector would stop it. Its
    TTL removes it, and its order with it."""
    metadata = target.metadata(target.names.cleanup_job, "cleanup")
    del metadata["ownerReferences"]
    metadata["labels"][UID_LABEL] = target.identity.uid
    config_map = order_map(metadata, CleanupOrder(pipeline=target.identity, outside=target.outside))
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": RETRIES_PER_POD,
            "activeDeadlineSeconds": CLEANUP_TTL_SECONDS,
            "ttlSecondsAfterFinished": CLEANUP_TTL_SECONDS,
            "template": pod_template(
                target, metadata["labels"], _pod(target, "cleanup", config_map)
            ),
        },
    }
    return Ordered(job, config_map)


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


def _pod(target: Target, command: str, order: Manifest) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        "securityContext": pod_security(target, RAGWRIGHT_UID),
        "containers": [
            {
                "name": "ingest",
                "image": target.images.ragwright,
                "imagePullPolicy": target.images.pull_policy,
                "command": ["ragwright-ingest", command],
                "env": [
                    *store_env(target),
                    {"name": "HOME", "value": "/tmp"},  # noqa: S108 - its own volume
                ],
                "resources": resources(target.spec.ingest.resources),
                "terminationMessagePath": str(TERMINATION_LOG),
                "terminationMessagePolicy": "File",
                "securityContext": container_security(),
                "volumeMounts": [
                    *store_mounts(),
                    order_mount(),
                    mount("tmp", "/tmp", read_only=False),  # noqa: S108
                ],
            }
        ],
        "volumes": [*store_volumes(target), order_volume(order), scratch("tmp", "10Gi")],
    }


def _add_sources(pod: Manifest, spec: RagPipelineSpec) -> list[SecretKey]:
    """Mount the volumes that the sources read, and return the keys of their Secrets."""
    keys: list[SecretKey] = []
    mounts = pod["containers"][0]["volumeMounts"]
    for number, source in enumerate(spec.sources):
        keys += source.secret_keys()
        if volume := source.volume():
            name = f"source-{number}"
            pod["volumes"].append({"name": name, **volume})
            mounts.append(mount(name, SOURCES_FOLDER / source.name))
    return keys


def _add_secrets(pod: Manifest, keys: Iterable[SecretKey]) -> None:
    volumes, mounts = secret_folders(keys)
    pod["volumes"] += volumes
    pod["containers"][0]["volumeMounts"] += mounts

"""The managed Postgres: one pod and its volume."""

from __future__ import annotations

from ragwright_core.model import fingerprint
from ragwright_core.spec import ManagedPostgres
from ragwright_operator.desired.configmap import PASSWD, POSTGRES_START, postgres_files
from ragwright_operator.desired.deployment import SETTINGS_ANNOTATION
from ragwright_operator.desired.pods import (
    SERVER_UID,
    container_security,
    mount,
    pod_security,
    resources,
    scratch,
    secret_volume,
)
from ragwright_operator.desired.quantity import canonical, mebibytes
from ragwright_operator.desired.redis import RESTART_ANNOTATION
from ragwright_operator.desired.service import POSTGRES_PORT
from ragwright_operator.desired.target import Manifest, Target

_CONFIG_FOLDER = "/etc/ragwright/postgres"


def volume_claim(target: Target, postgres: ManagedPostgres) -> Manifest:
    """Owned by the pipeline, and so deleted with it, only when deletionPolicy is Delete."""
    metadata = target.metadata(target.names.postgres, "postgres")
    if target.spec.deletion_policy == "Retain":
        del metadata["ownerReferences"]
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": canonical(postgres.storage)}},
    }
    if postgres.storage_class_name:
        spec["storageClassName"] = postgres.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }


def postgres_set(target: Target, postgres: ManagedPostgres) -> Manifest:
    restarted = target.postgres_restart.isoformat() if target.postgres_restart else ""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": target.metadata(target.names.postgres, "postgres"),
        "spec": {
            "replicas": 1,
            "serviceName": target.names.postgres,
            # With OrderedReady, a pod that never gets ready is not replaced by a mended one.
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": target.selector("postgres")},
            "template": {
                "metadata": {
                    "labels": target.labels("postgres"),
                    "annotations": {
                        SETTINGS_ANNOTATION: fingerprint(postgres_files(target, postgres)),
                        RESTART_ANNOTATION: restarted,
                    },
                },
                "spec": _pod(target, postgres),
            },
        },
    }


def _pod(target: Target, postgres: ManagedPostgres) -> Manifest:
    name = target.names.postgres
    return {
        "serviceAccountName": target.names.api,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": pod_security(SERVER_UID),
        "containers": [_container(target, postgres)],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": name}},
            {"name": "config", "configMap": {"name": name}},
            secret_volume("secret", name, [("password", "password")], optional=False),
            _shared_memory(target),
            scratch("run", "16Mi"),
            scratch("tmp", "1Gi"),
        ],
    }


def _shared_memory(target: Target) -> Manifest:
    """A parallel index build keeps its graph here; the runtime's default of 64 MiB is too small."""
    size = target.index_memory_bytes + 128 * 2**20
    return {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": mebibytes(size)}}


def _container(target: Target, postgres: ManagedPostgres) -> Manifest:
    probe: Manifest = {"tcpSocket": {"port": "postgres"}, "timeoutSeconds": 2}
    return {
        "name": "postgres",
        "image": target.images.postgres,
        "imagePullPolicy": target.images.pull_policy,
        "command": ["sh", f"{_CONFIG_FOLDER}/{POSTGRES_START}"],
        "ports": [{"name": "postgres", "containerPort": POSTGRES_PORT, "protocol": "TCP"}],
        "resources": resources(postgres.resources),
        "startupProbe": {**probe, "periodSeconds": 1, "failureThreshold": 600},
        "readinessProbe": {**probe, "periodSeconds": 2},
        # SIGINT is Postgres' fast shutdown; on the kubelet's SIGTERM it waits for every client.
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "kill -INT 1"]}}},
        "securityContext": container_security(),
        "volumeMounts": [
            mount("data", "/var/lib/ragwright", read_only=False),
            mount("config", _CONFIG_FOLDER),
            {**mount("config", "/etc/passwd"), "subPath": PASSWD},
            mount("secret", "/etc/ragwright/postgres-secret"),
            mount("shm", "/dev/shm", read_only=False),  # noqa: S108 - its own volume
            mount("run", "/var/run/postgresql", read_only=False),
            mount("tmp", "/tmp", read_only=False),  # noqa: S108 - its own volume
        ],
    }

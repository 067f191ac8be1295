"""The managed Postgres: one pod, its volume, its files and its password."""

from __future__ import annotations

from ragwright_core.model import fingerprint
from ragwright_core.spec import ManagedPostgres
from ragwright_core.spec.quantity import canonical, mebibytes
from ragwright_operator.desired.annotations import RESTARTED, SETTINGS
from ragwright_operator.desired.objects import config_map, own_pods_only, secret, service, shipped
from ragwright_operator.desired.pods import (
    SERVER_SECRET,
    SERVER_UID,
    container_security,
    mount,
    pod_security,
    resources,
    scratch,
    secret_volume,
)
from ragwright_operator.desired.target import Manifest, Target
from ragwright_operator.desired.template import pod_template

PORT = 5432
DATABASE = "ragwright"
ROLE = "ragwright"
POSTGRES_START = "postgres-start.sh"
POSTGRES_CONF = "postgresql.conf"
# Any uid can run Postgres, but it must have a name, so a file is mounted over /etc/passwd: ours, or
# where the platform gives the uid, one that is written when it is known.
PASSWD = "passwd"
_PASSWD_FOLDER = "/etc/ragwright/passwd"
_WRITE_PASSWD = (
    f'echo "postgres:x:$(id -u):0::/var/lib/ragwright:/bin/sh" > {_PASSWD_FOLDER}/{PASSWD}'
)
_CONFIG_FOLDER = "/etc/ragwright/postgres"


def volume_claim(target: Target, postgres: ManagedPostgres) -> Manifest:
    """The claim is owned by the pipeline, and so deleted with it, only if deletionPolicy is
    Delete."""
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
            # With OrderedReady, a pod that never gets ready is not replaced after a correction.
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": target.selector("postgres")},
            "template": pod_template(
                target,
                target.labels("postgres"),
                _pod(target, postgres),
                {SETTINGS: fingerprint(postgres_files(target, postgres)), RESTARTED: restarted},
            ),
        },
    }


def _pod(target: Target, postgres: ManagedPostgres) -> Manifest:
    name, password = target.names.postgres, [("password", "password")]
    written = _written_passwd(target, postgres)
    return {
        "serviceAccountName": target.names.api,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": pod_security(target, SERVER_UID),
        **({"initContainers": [written]} if written else {}),
        "containers": [_container(target, postgres)],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": name}},
            {"name": "config", "configMap": {"name": name}},
            secret_volume(SERVER_SECRET, target.postgres_secret, password, optional=False),
            _shared_memory(target),
            scratch("run", "16Mi"),
            scratch("tmp", "1Gi"),
            *([scratch("passwd", "1Mi")] if written else []),
        ],
    }


def _written_passwd(target: Target, postgres: ManagedPostgres) -> Manifest | None:
    """A container that names the platform's uid, or None if the uid is ours."""
    if target.images.assign_uids:
        return None
    return {
        "name": "passwd",
        "image": target.images.postgres,
        "imagePullPolicy": target.images.pull_policy,
        "command": ["sh", "-c", _WRITE_PASSWD],
        "resources": resources(postgres.resources),
        "securityContext": container_security(),
        "volumeMounts": [mount("passwd", _PASSWD_FOLDER, read_only=False)],
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
        "ports": [{"name": "postgres", "containerPort": PORT, "protocol": "TCP"}],
        "resources": resources(postgres.resources),
        "startupProbe": {**probe, "periodSeconds": 1, "failureThreshold": 600},
        "readinessProbe": {**probe, "periodSeconds": 2},
        # SIGINT is Postgres' fast shutdown; after the kubelet's SIGTERM it waits for every client.
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "kill -INT 1"]}}},
        "securityContext": container_security(),
        "volumeMounts": [
            mount("data", "/var/lib/ragwright", read_only=False),
            mount("config", _CONFIG_FOLDER),
            {
                **mount("config" if target.images.assign_uids else "passwd", "/etc/passwd"),
                "subPath": PASSWD,
            },
            mount(SERVER_SECRET, "/etc/ragwright/postgres-secret"),
            mount("shm", "/dev/shm", read_only=False),  # noqa: S108 - its own volume
            mount("run", "/var/run/postgresql", read_only=False),
            mount("tmp", "/tmp", read_only=False),  # noqa: S108 - its own volume
        ],
    }


def postgres_service(target: Target) -> Manifest:
    port = {"name": "postgres", "port": PORT, "targetPort": "postgres"}
    return service(target, target.names.postgres, "postgres", port)


def postgres_policy(target: Target) -> Manifest:
    return own_pods_only(target, target.names.postgres, "postgres", PORT)


def postgres_files(target: Target, postgres: ManagedPostgres) -> dict[str, str]:
    settings = {
        "listen_addresses": "'*'",
        "unix_socket_directories": "'/var/run/postgresql,/tmp'",
        "hba_file": "'/etc/ragwright/postgres/pg_hba.conf'",
        "max_connections": "200",
        "shared_buffers": f"{postgres.memory_bytes // 4 // 2**20}MB",
        "maintenance_work_mem": f"{target.index_memory_bytes // 2**20}MB",
        "max_wal_size": "512MB",
        "log_timezone": "'UTC'",
    }
    return {
        POSTGRES_START: shipped(POSTGRES_START),
        PASSWD: shipped(PASSWD),
        "pg_hba.conf": shipped("pg_hba.conf"),
        POSTGRES_CONF: "".join(f"{name} = {value}\n" for name, value in settings.items()),
    }


def postgres_config(target: Target, postgres: ManagedPostgres) -> Manifest:
    data = postgres_files(target, postgres)
    return config_map(target, target.names.postgres, "postgres", data)


def postgres_secret(target: Target, password: str) -> Manifest:
    """The Secret is owned by the volume claim, so that the password exists as long as the data."""
    names = target.names
    owner = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": names.postgres,
        "uid": target.volume_uid,
    }
    host = f"{names.postgres}.{names.namespace}.svc:{PORT}"
    data = {"password": password, "uri": f"postgresql://{ROLE}:{password}@{host}/{DATABASE}"}
    return secret(target, target.postgres_secret, "postgres", owner, data)

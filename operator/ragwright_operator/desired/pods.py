"""What all pods share: Pod Security `restricted`, and Secrets that are mounted as optional."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from ragwright_core.contract import (
    CACHE_FIELD_ENV,
    CACHE_URL_FILE,
    CACHE_URL_FILE_ENV,
    DATABASE_FIELD_ENV,
    DATABASE_URL_FILE,
    DATABASE_URL_FILE_ENV,
    SECRETS_FOLDER,
)
from ragwright_core.spec import Requirements, Resources, SecretKey
from ragwright_core.spec.quantity import canonical
from ragwright_operator.desired.target import Manifest, Target

RAGWRIGHT_UID = 65532
DATABASE_VOLUME = "database"
SERVER_SECRET = "secret"  # the volume by which a managed server gets its password
SERVER_UID = 999  # the user of the official Postgres, Redis and Valkey images


def pod_security(target: Target, uid: int) -> Manifest:
    given = {"runAsUser": uid, "runAsGroup": uid, "fsGroup": uid}
    return {
        "runAsNonRoot": True,
        **(given if target.images.assign_uids else {}),
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def resources(wanted: Resources) -> Manifest:
    """Only the values of the spec: Kubernetes has rules for values that are left out."""
    groups = {"requests": wanted.requests, "limits": wanted.limits}
    return {kind: _quantities(written) for kind, written in groups.items() if written}


def _quantities(written: Requirements) -> dict[str, str]:
    named = {"cpu": written.cpu, "memory": written.memory}
    return {name: canonical(quantity) for name, quantity in named.items() if quantity}


def secret_volume(
    name: str, secret: str, keys: Iterable[tuple[str, str]], *, optional: bool = True
) -> Manifest:
    """`keys` are (key, file) pairs. If the volume is optional, a program reports a missing file and
    goes on when it appears; a required file would keep the pod from starting without a message."""
    return {
        "name": name,
        "secret": {
            "secretName": secret,
            "optional": optional,
            "defaultMode": 0o440,
            "items": [{"key": key, "path": file} for key, file in keys],
        },
    }


def mount(name: str, path: PurePosixPath | str, *, read_only: bool = True) -> Manifest:
    mounted: Manifest = {"name": name, "mountPath": str(path)}
    return {**mounted, "readOnly": True} if read_only else mounted


def scratch(name: str, size: str) -> Manifest:
    return {"name": name, "emptyDir": {"sizeLimit": size}}


def store_env(target: Target) -> list[Manifest]:
    database = "managed" if target.managed_postgres else "secretKeyRef"
    cache = "managed" if target.managed_redis else "secretKeyRef"
    return [
        {"name": DATABASE_URL_FILE_ENV, "value": str(DATABASE_URL_FILE)},
        {"name": CACHE_URL_FILE_ENV, "value": str(CACHE_URL_FILE)},
        {"name": DATABASE_FIELD_ENV, "value": f"database.{database}"},
        {"name": CACHE_FIELD_ENV, "value": f"cache.{cache}"},
    ]


def store_volumes(target: Target) -> list[Manifest]:
    """The Secrets that hold the stores' URLs, ours or the user's."""
    database, cache = target.spec.database.secret_key_ref, target.spec.cache.secret_key_ref
    return [
        secret_volume(
            DATABASE_VOLUME,
            database.name if database else target.postgres_secret,
            [(database.key if database else "uri", DATABASE_URL_FILE.name)],
        ),
        secret_volume(
            "cache",
            cache.name if cache else target.redis_secret,
            [(cache.key if cache else "url", CACHE_URL_FILE.name)],
        ),
    ]


def store_mounts() -> list[Manifest]:
    return [
        mount(DATABASE_VOLUME, DATABASE_URL_FILE.parent),
        mount("cache", CACHE_URL_FILE.parent),
    ]


def secret_folders(keys: Iterable[SecretKey]) -> tuple[list[Manifest], list[Manifest]]:
    """Volumes and mounts that show each key as SECRETS_FOLDER/<secret>/<key>."""
    by_secret: dict[str, set[str]] = {}
    for key in keys:
        by_secret.setdefault(key.name, set()).add(key.key)
    volumes, mounts = [], []
    for number, (secret, files) in enumerate(sorted(by_secret.items())):
        name = f"secret-{number}"
        volumes.append(secret_volume(name, secret, [(file, file) for file in sorted(files)]))
        mounts.append(mount(name, SECRETS_FOLDER / secret))
    return volumes, mounts


def service_account(target: Target) -> Manifest:
    """The account that a pipeline's pods run as: it has no rights and no token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": target.metadata(target.names.api, "api"),
        "automountServiceAccountToken": False,
    }

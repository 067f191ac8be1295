"""What all pods share: Pod Security `restricted`, and Secrets mounted but never demanded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from ragwright_core.names import (
    CACHE_URL_FILE,
    CACHE_URL_FILE_ENV,
    DATABASE_URL_FILE,
    DATABASE_URL_FILE_ENV,
    SECRETS_FOLDER,
)
from ragwright_core.spec import Resources, SecretKey
from ragwright_operator.desired.quantity import canonical
from ragwright_operator.desired.target import Manifest, Target

RAGWRIGHT_UID = 65532
SERVER_UID = 999  # the user of the official Postgres, Redis and Valkey images


def pod_security(uid: int) -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
        "fsGroup": uid,
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
    return {
        kind: {"cpu": canonical(values.cpu), "memory": canonical(values.memory)}
        for kind, values in (("requests", wanted.requests), ("limits", wanted.limits))
    }


def secret_volume(
    name: str, secret: str, keys: Iterable[tuple[str, str]], *, optional: bool = True
) -> Manifest:
    """(key, file) pairs of a Secret. Optional: a program that misses a file says so, and goes on
    when it appears, where a demanded one would keep the pod from starting without a word."""
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


def store_env() -> list[Manifest]:
    return [
        {"name": DATABASE_URL_FILE_ENV, "value": str(DATABASE_URL_FILE)},
        {"name": CACHE_URL_FILE_ENV, "value": str(CACHE_URL_FILE)},
    ]


def store_volumes(target: Target) -> list[Manifest]:
    """The Secrets that hold the stores' URLs, ours or the user's."""
    database, cache = target.spec.database.secret_ref, target.spec.cache.secret_ref
    return [
        secret_volume(
            "database",
            database.name if database else target.names.postgres,
            [(database.key if database else "uri", DATABASE_URL_FILE.name)],
        ),
        secret_volume(
            "cache",
            cache.name if cache else target.names.redis,
            [(cache.key if cache else "url", CACHE_URL_FILE.name)],
        ),
    ]


def store_mounts() -> list[Manifest]:
    return [
        mount("database", DATABASE_URL_FILE.parent),
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

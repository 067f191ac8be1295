"""Secrets of managed servers. They are created and never read, applied or deleted by us."""

from __future__ import annotations

from ragwright_operator.desired.service import POSTGRES_PORT, REDIS_PORT
from ragwright_operator.desired.target import Manifest, Target

DATABASE = "ragwright"
ROLE = "ragwright"


def _secret(target: Target, name: str, component: str, owner: Manifest, data: Manifest) -> Manifest:
    metadata = {**target.metadata(name, component), "ownerReferences": [owner]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": metadata,
        "stringData": data,
    }


def postgres_secret(target: Target, volume_uid: str, password: str) -> Manifest:
    """Owned by the volume claim: the password lives exactly as long as the data."""
    names = target.names
    owner = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": names.postgres,
        "uid": volume_uid,
    }
    host = f"{names.postgres}.{names.namespace}.svc:{POSTGRES_PORT}"
    data = {"password": password, "uri": f"postgresql://{ROLE}:{password}@{host}/{DATABASE}"}
    return _secret(target, names.postgres, "postgres", owner, data)


def redis_secret(target: Target, password: str) -> Manifest:
    """The URL for clients, and the access list that the server reads."""
    names = target.names
    host = f"{names.redis}.{names.namespace}.svc:{REDIS_PORT}"
    data = {
        "url": f"redis://:{password}@{host}/0",
        "users.acl": f"user default on >{password} ~* &* +@all\n",
    }
    return _secret(target, names.redis, "redis", target.owner(), data)

"""The managed Redis: one pod, nothing on disk."""

from __future__ import annotations

from ragwright_core.model import fingerprint
from ragwright_core.spec import ManagedRedis
from ragwright_core.spec.quantity import mebibytes, whole_bytes
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

PORT = 6379
# What the API and Jobs need: their keys, and no command that empties, stops or changes the server.
RIGHTS = (
    "~rag:*",
    "resetchannels",
    "+@read",
    "+@write",
    "+@scripting",
    "+@connection",
    "+@transaction",
    "-@admin",
    "-@dangerous",
)
REDIS_CONF = "redis.conf"


def redis_deployment(target: Target, redis: ManagedRedis) -> Manifest:
    restarted = target.redis_restart.isoformat() if target.redis_restart else ""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": target.metadata(target.names.redis, "redis"),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": target.selector("redis")},
            "strategy": {"type": "Recreate"},
            "template": pod_template(
                target,
                target.labels("redis"),
                _pod(target, redis),
                {SETTINGS: fingerprint(redis_settings(redis)), RESTARTED: restarted},
            ),
        },
    }


def _pod(target: Target, redis: ManagedRedis) -> Manifest:
    name = target.names.redis
    access = [("users.acl", "users.acl")]
    return {
        "serviceAccountName": target.names.api,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": pod_security(target, SERVER_UID),
        "containers": [_container(target, redis)],
        "volumes": [
            {"name": "config", "configMap": {"name": name}},
            secret_volume(SERVER_SECRET, target.redis_secret, access, optional=False),
            scratch("tmp", "64Mi"),
        ],
    }


def _container(target: Target, redis: ManagedRedis) -> Manifest:
    probe: Manifest = {"tcpSocket": {"port": "redis"}, "timeoutSeconds": 2}
    return {
        "name": "redis",
        "image": target.images.redis,
        "imagePullPolicy": target.images.pull_policy,
        "command": ["redis-server", f"/etc/ragwright/redis/{REDIS_CONF}"],
        "ports": [{"name": "redis", "containerPort": PORT, "protocol": "TCP"}],
        "resources": _resources(redis),
        "readinessProbe": {**probe, "periodSeconds": 2},
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
        "securityContext": container_security(),
        "volumeMounts": [
            mount("config", "/etc/ragwright/redis"),
            mount(SERVER_SECRET, "/etc/ragwright/redis-secret"),
            mount("tmp", "/tmp", read_only=False),  # noqa: S108 - its own volume
        ],
    }


def _resources(redis: ManagedRedis) -> Manifest:
    if redis.resources is not None:
        return resources(redis.resources)
    # Redis needs room beside its data: fragmentation and client buffers.
    limit = whole_bytes(redis.max_memory) * 5 // 4 + 64 * 2**20
    return {
        "requests": {"cpu": "50m", "memory": "64Mi"},
        "limits": {"memory": mebibytes(limit)},
    }


def redis_service(target: Target) -> Manifest:
    port = {"name": "redis", "port": PORT, "targetPort": "redis"}
    return service(target, target.names.redis, "redis", port)


def redis_policy(target: Target) -> Manifest:
    return own_pods_only(target, target.names.redis, "redis", PORT)


def redis_settings(redis: ManagedRedis) -> str:
    return shipped(REDIS_CONF) + f"maxmemory {whole_bytes(redis.max_memory)}\n"


def redis_config(target: Target, redis: ManagedRedis) -> Manifest:
    return config_map(target, target.names.redis, "redis", {REDIS_CONF: redis_settings(redis)})


def redis_secret(target: Target, password: str) -> Manifest:
    """The URL for clients, and the access list that the server reads."""
    names = target.names
    host = f"{names.redis}.{names.namespace}.svc:{PORT}"
    data = {
        "url": f"redis://:{password}@{host}/0",
        "users.acl": f"user default on >{password} {' '.join(RIGHTS)}\n",
    }
    return secret(target, target.redis_secret, "redis", target.owner(), data)

"""The managed Redis: one pod, nothing on disk."""

from __future__ import annotations

from ragwright_core.model import fingerprint
from ragwright_core.spec import GROUP, ManagedRedis
from ragwright_operator.desired.configmap import REDIS_CONF, redis_settings
from ragwright_operator.desired.deployment import SETTINGS_ANNOTATION
from ragwright_operator.desired.pods import (
    SERVER_UID,
    container_security,
    mount,
    pod_security,
    scratch,
    secret_volume,
)
from ragwright_operator.desired.quantity import mebibytes, whole_bytes
from ragwright_operator.desired.service import REDIS_PORT
from ragwright_operator.desired.target import Manifest, Target

RESTART_ANNOTATION = f"{GROUP}/secret-made-anew"


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
            "template": {
                "metadata": {
                    "labels": target.labels("redis"),
                    "annotations": {
                        SETTINGS_ANNOTATION: fingerprint(redis_settings(redis)),
                        RESTART_ANNOTATION: restarted,
                    },
                },
                "spec": _pod(target, redis),
            },
        },
    }


def _pod(target: Target, redis: ManagedRedis) -> Manifest:
    name = target.names.redis
    access = [("users.acl", "users.acl")]
    return {
        "serviceAccountName": target.names.api,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": pod_security(SERVER_UID),
        "containers": [_container(target, redis)],
        "volumes": [
            {"name": "config", "configMap": {"name": name}},
            secret_volume("secret", name, access, optional=False),
            scratch("tmp", "64Mi"),
        ],
    }


def _container(target: Target, redis: ManagedRedis) -> Manifest:
    # Redis needs room beside its data: fragmentation and client buffers.
    limit = whole_bytes(redis.max_memory) * 5 // 4 + 64 * 2**20
    probe: Manifest = {"tcpSocket": {"port": "redis"}, "timeoutSeconds": 2}
    return {
        "name": "redis",
        "image": target.images.redis,
        "imagePullPolicy": target.images.pull_policy,
        "command": ["redis-server", f"/etc/ragwright/redis/{REDIS_CONF}"],
        "ports": [{"name": "redis", "containerPort": REDIS_PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"memory": mebibytes(limit)},
        },
        "readinessProbe": {**probe, "periodSeconds": 2},
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
        "securityContext": container_security(),
        "volumeMounts": [
            mount("config", "/etc/ragwright/redis"),
            mount("secret", "/etc/ragwright/redis-secret"),
            mount("tmp", "/tmp", read_only=False),  # noqa: S108 - its own volume
        ],
    }

"""The query API."""

from __future__ import annotations

from ragwright_core.model import fingerprint
from ragwright_core.names import API_PORT, INTERNAL_PORT, SETTINGS_FILE
from ragwright_core.spec import GROUP
from ragwright_operator.desired.configmap import serve_settings
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

SETTINGS_ANNOTATION = f"{GROUP}/settings"
# Endpoints forget a pod within this time; until then it goes on answering.
DRAIN_SECONDS = 5


def deployment(target: Target) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": target.metadata(target.names.api, "api"),
        "spec": {
            "replicas": target.spec.api.replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": target.selector("api")},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": {
                "metadata": {
                    "labels": target.labels("api"),
                    "annotations": {SETTINGS_ANNOTATION: fingerprint(serve_settings(target))},
                },
                "spec": _pod(target),
            },
        },
    }


def _pod(target: Target) -> Manifest:
    volumes, mounts = secret_folders(target.secret_keys())
    settings = {"name": "settings", "configMap": {"name": target.names.api}}
    return {
        "serviceAccountName": target.names.api,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 45,
        "securityContext": pod_security(RAGWRIGHT_UID),
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": target.selector("api")},
            }
        ],
        "containers": [_container(target, mounts)],
        "volumes": [*store_volumes(target), settings, scratch("tmp", "1Gi"), *volumes],
    }


def _container(target: Target, secret_mounts: list[Manifest]) -> Manifest:
    return {
        "name": "api",
        "image": target.images.ragwright,
        "imagePullPolicy": target.images.pull_policy,
        "command": ["ragwright-api"],
        "env": [*store_env(), {"name": "HOME", "value": "/tmp"}],  # noqa: S108 - its own volume
        "ports": [
            {"name": "http", "containerPort": API_PORT, "protocol": "TCP"},
            {"name": "internal", "containerPort": INTERNAL_PORT, "protocol": "TCP"},
        ],
        "resources": resources(target.spec.api.resources),
        "startupProbe": _probe("/livez", period=1, failures=120),
        "readinessProbe": _probe("/readyz", period=2, failures=2),
        "livenessProbe": _probe("/livez", period=10, failures=6),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "securityContext": container_security(),
        "volumeMounts": [
            *store_mounts(),
            mount("settings", SETTINGS_FILE.parent),
            mount("tmp", "/tmp", read_only=False),  # noqa: S108
            *secret_mounts,
        ],
    }


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "internal"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }

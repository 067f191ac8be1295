"""The query API: its pods, settings, addresses, and who may talk to them."""

from __future__ import annotations

from ragwright_core.contract import (
    API_PORT,
    GRACE_PERIOD_SECONDS,
    INTERNAL_PORT,
    PRE_STOP_SECONDS,
    SETTINGS_FILE,
)
from ragwright_core.model import fingerprint
from ragwright_core.serving import ServeSettings
from ragwright_core.spec import Autoscaling
from ragwright_operator.desired.objects import config_map, policy, port, service
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
from ragwright_operator.desired.target import APP, APP_LABEL, COMPONENT_LABEL, Manifest, Target
from ragwright_operator.desired.template import pod_template

OPERATOR = {APP_LABEL: APP, COMPONENT_LABEL: "operator"}
PROMETHEUS = {APP_LABEL: "prometheus"}


def serve_settings(target: Target) -> str:
    identity = target.identity.model_copy(update={"adopt": ""})
    settings = ServeSettings.of(identity, target.spec, target.allowed_hosts, target.outside)
    return settings.model_dump_json(indent=1)


def settings_name(target: Target) -> str:
    """The name contains a hash of the settings, so that a pod that restarts during a rollout reads
    the settings that it was made for."""
    return f"{target.names.api}-{fingerprint(serve_settings(target))[:8]}"


def api_config(target: Target) -> Manifest:
    data = {SETTINGS_FILE.name: serve_settings(target)}
    return {**config_map(target, settings_name(target), "api", data), "immutable": True}


def api_service(target: Target) -> Manifest:
    http = {"name": "http", "port": API_PORT, "targetPort": "http"}
    return service(target, target.names.api, "api", http)


def internal_service(target: Target) -> Manifest:
    """Port 8001. Pods that are not ready must answer too: the operator asks them what is live."""
    internal = {"name": "internal", "port": INTERNAL_PORT, "targetPort": "internal"}
    made = service(target, target.names.internal, "api", internal)
    made["spec"]["publishNotReadyAddresses"] = True
    return made


def api_policy(target: Target) -> Manifest:
    """Questions may come from anywhere; only the operator and Prometheus reach the internal
    port."""
    internal = {
        "ports": [port(INTERNAL_PORT)],
        "from": [_pods_anywhere(OPERATOR), _pods_anywhere(PROMETHEUS)],
    }
    return policy(target, target.names.api, "api", [{"ports": [port(API_PORT)]}, internal])


def _pods_anywhere(labels: dict[str, str]) -> Manifest:
    return {"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}


def disruption_budget(target: Target) -> Manifest:
    """Makes a drain of nodes evict the pods one at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": target.metadata(target.names.api, "api"),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": target.selector("api")},
        },
    }


def deployment(target: Target) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": target.metadata(target.names.api, "api"),
        "spec": {
            **_replicas(target),
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": target.selector("api")},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": pod_template(target, target.labels("api"), _pod(target)),
        },
    }


def _replicas(target: Target) -> Manifest:
    """Left to the autoscaler, if there is one."""
    api = target.spec.api
    return {} if api.autoscaling else {"replicas": api.replicas}


def autoscaler(target: Target, wanted: Autoscaling) -> Manifest:
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.names.api}
    cpu = {"type": "Utilization", "averageUtilization": wanted.target_cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": target.metadata(target.names.api, "api"),
        "spec": {
            "scaleTargetRef": deployment,
            "minReplicas": wanted.min_replicas,
            "maxReplicas": wanted.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": cpu}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": wanted.scale_down_seconds}},
        },
    }


def _pod(target: Target) -> Manifest:
    volumes, mounts = secret_folders(target.secret_keys())
    settings = {"name": "settings", "configMap": {"name": settings_name(target)}}
    return {
        "serviceAccountName": target.names.api,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": GRACE_PERIOD_SECONDS,
        "securityContext": pod_security(target, RAGWRIGHT_UID),
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
        "env": [*store_env(target), {"name": "HOME", "value": "/tmp"}],  # noqa: S108 - its own volume
        "ports": [
            {"name": "http", "containerPort": API_PORT, "protocol": "TCP"},
            {"name": "internal", "containerPort": INTERNAL_PORT, "protocol": "TCP"},
        ],
        "resources": resources(target.spec.api.resources),
        "startupProbe": _probe("/livez", period=1, failures=120),
        "readinessProbe": _probe("/readyz", period=2, failures=2),
        "livenessProbe": _probe("/livez", period=10, failures=6),
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
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

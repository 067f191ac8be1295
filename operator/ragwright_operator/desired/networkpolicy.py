"""Who may talk to a pipeline's pods. The kubelet is admitted by every network plugin."""

from __future__ import annotations

from ragwright_core.names import API_PORT, INTERNAL_PORT
from ragwright_operator.desired.job import JOB_COMPONENTS
from ragwright_operator.desired.service import POSTGRES_PORT, REDIS_PORT
from ragwright_operator.desired.target import APP, APP_LABEL, COMPONENT_LABEL, Manifest, Target

OPERATOR = {APP_LABEL: APP, COMPONENT_LABEL: "operator"}
PROMETHEUS = {APP_LABEL: "prometheus"}


def _policy(target: Target, name: str, component: str, ingress: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": target.metadata(name, component),
        "spec": {
            "podSelector": {"matchLabels": target.selector(component)},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }


def _port(number: int) -> Manifest:
    return {"protocol": "TCP", "port": number}


def _pods_anywhere(labels: dict[str, str]) -> Manifest:
    return {"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}


def api_policy(target: Target) -> Manifest:
    """Questions from anywhere; the internal port for the operator and Prometheus alone."""
    internal = {
        "ports": [_port(INTERNAL_PORT)],
        "from": [_pods_anywhere(OPERATOR), _pods_anywhere(PROMETHEUS)],
    }
    return _policy(target, target.names.api, "api", [{"ports": [_port(API_PORT)]}, internal])


def _own_pods_only(target: Target, name: str, component: str, port: int) -> Manifest:
    own = [
        {"podSelector": {"matchLabels": target.selector(client)}}
        for client in ("api", *JOB_COMPONENTS, "cleanup")
    ]
    return _policy(target, name, component, [{"ports": [_port(port)], "from": own}])


def postgres_policy(target: Target) -> Manifest:
    return _own_pods_only(target, target.names.postgres, "postgres", POSTGRES_PORT)


def redis_policy(target: Target) -> Manifest:
    return _own_pods_only(target, target.names.redis, "redis", REDIS_PORT)

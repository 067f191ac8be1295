"""Services: the public API, its internal port, and the managed servers."""

from __future__ import annotations

from ragwright_core.names import API_PORT, INTERNAL_PORT
from ragwright_operator.desired.target import Manifest, Target

POSTGRES_PORT = 5432
REDIS_PORT = 6379


def _service(target: Target, name: str, component: str, port: Manifest) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": target.metadata(name, component),
        "spec": {
            "type": "ClusterIP",
            "selector": target.selector(component),
            "ports": [{"protocol": "TCP", **port}],
        },
    }


def api_service(target: Target) -> Manifest:
    port = {"name": "http", "port": API_PORT, "targetPort": "http"}
    return _service(target, target.names.api, "api", port)


def internal_service(target: Target) -> Manifest:
    """Port 8001. Pods that are not ready answer too: the operator asks them what is live."""
    port = {"name": "internal", "port": INTERNAL_PORT, "targetPort": "internal"}
    service = _service(target, target.names.internal, "api", port)
    service["spec"]["publishNotReadyAddresses"] = True
    return service


def postgres_service(target: Target) -> Manifest:
    port = {"name": "postgres", "port": POSTGRES_PORT, "targetPort": "postgres"}
    return _service(target, target.names.postgres, "postgres", port)


def redis_service(target: Target) -> Manifest:
    port = {"name": "redis", "port": REDIS_PORT, "targetPort": "redis"}
    return _service(target, target.names.redis, "redis", port)

"""Makes the ground of a stage: a fresh namespace, the proxy, and an operator for it alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.install import NAMESPACE as SYSTEM
from dev.install import RELEASE, Installed
from tests.kit.cluster import Namespace
from tests.kit.faults.kubelet import Operator
from tests.kit.faults.proxy import Proxy
from tests.kit.faults.stage import Stage

_DEPLOYMENT = f"deploy/{RELEASE}-operator"
_ACCOUNT = f"system:serviceaccount:{SYSTEM}:{RELEASE}-operator"


@contextmanager
def resting(installed: Installed) -> Iterator[Installed]:
    """Scale the installation's own operator to 0, and start it again at the end."""
    installed.kubectl("-n", SYSTEM, "scale", _DEPLOYMENT, "--replicas=0")
    installed.kubectl("-n", SYSTEM, "rollout", "status", _DEPLOYMENT, "--timeout=60s")
    try:
        yield installed
    finally:
        installed.kubectl("-n", SYSTEM, "scale", _DEPLOYMENT, "--replicas=1")


@contextmanager
def staged(installed: Installed, folder: Path) -> Iterator[Stage]:
    """A fresh namespace, and an operator for it alone."""
    name = f"faults-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "ragwright.dev/test": "true"}
    metadata = {"name": name, "labels": labels}
    installed.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    space = Namespace(name, installed)
    with Proxy(space.objects.server, space.objects.tls, _ACCOUNT).serving() as proxy:
        operator = Operator(proxy.url, _environment(installed, name), folder)
        with operator.kept():
            try:
                yield Stage(space, proxy, operator)
            finally:
                if installed.kubectl.get("namespace", name):
                    space("delete", "rag", "--all", "--timeout=90s")
                    installed.kubectl("delete", "namespace", name, "--wait=false")


def _environment(installed: Installed, namespace: str) -> dict[str, str]:
    """The environment that the chart gives its operator, but for one namespace."""
    deployment = installed.kubectl.get("-n", SYSTEM, _DEPLOYMENT)
    assert deployment is not None
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    told = {item["name"]: item.get("value", "") for item in container["env"]}
    return {**told, "RAGWRIGHT_WATCH_NAMESPACES": namespace}

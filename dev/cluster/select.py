"""Looks at the machine, chooses a cluster, and says which one and why."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping

from dev.cluster.base import Cluster, NoClusterError
from dev.cluster.choice import Facts, Missing, choose
from dev.cluster.current import CurrentCluster
from dev.cluster.embedded.cluster import EmbeddedCluster
from dev.cluster.embedded.paths import NODE_ADDRESS, POD_RANGE, SERVICE_RANGE
from dev.cluster.kind import KindCluster


def look(environment: Mapping[str, str]) -> Facts:
    return Facts(
        asked=environment.get("CLUSTER", ""),
        kubeconfig=environment.get("KUBECONFIG", ""),
        image=environment.get("IMAGE", ""),
        daemon=next((name for name in ("docker", "podman") if _answers(name)), ""),
        has_kind=shutil.which("kind") is not None,
        is_linux=platform.system() == "Linux",
        is_root=os.geteuid() == 0,
        has_apt=shutil.which("apt-get") is not None,
    )


def _answers(name: str) -> bool:
    """Whether the daemon answers. The client alone proves nothing, because it is often installed
    without a daemon."""
    if shutil.which(name) is None:
        return False
    try:
        asked = subprocess.run([name, "info"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def no_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Addresses that must not go through a proxy: port-forwards, and those of the embedded
    cluster."""
    named = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    hosts = [*named.split(","), "localhost", "127.0.0.1", NODE_ADDRESS, POD_RANGE, SERVICE_RANGE]
    joined = ",".join(dict.fromkeys(filter(None, hosts)))
    return {"NO_PROXY": joined, "no_proxy": joined}


def select_cluster() -> Cluster:
    """The chosen cluster, not yet started. Raises NoClusterError saying what is missing."""
    # For this process and all that it starts: kubectl, the node's programs, HTTP clients.
    os.environ.update(no_proxy(os.environ))
    facts = look(os.environ)
    choice = choose(facts)
    if isinstance(choice, Missing):
        raise NoClusterError("no cluster can be had here:\n  " + "\n  ".join(choice.sentences))
    print(f"cluster: {choice.why}", flush=True)
    if choice.kind == "current":
        return CurrentCluster(choice.why, facts.image)
    if choice.kind == "kind":
        return KindCluster(choice.why, facts.daemon)
    return EmbeddedCluster(choice.why)

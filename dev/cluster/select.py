"""Looks at the machine, chooses, and says which and why."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping

from dev.cluster.base import Cluster, ClusterError
from dev.cluster.choice import Facts, Missing, choose
from dev.cluster.current import CurrentCluster
from dev.cluster.embedded.cluster import EmbeddedCluster
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
    """A client without its daemon is common: only an answer counts."""
    if shutil.which(name) is None:
        return False
    asked = subprocess.run([name, "info"], capture_output=True, timeout=20, check=False)
    return asked.returncode == 0


def select_cluster() -> Cluster:
    """The chosen cluster, not yet started. Raises ClusterError saying what is missing."""
    facts = look(os.environ)
    choice = choose(facts)
    if isinstance(choice, Missing):
        raise ClusterError("no cluster can be had here:\n  " + "\n  ".join(choice.sentences))
    print(f"cluster: {choice.why}", flush=True)
    if choice.kind == "current":
        return CurrentCluster(choice.why, facts.image)
    if choice.kind == "kind":
        return KindCluster(choice.why, facts.daemon)
    return EmbeddedCluster(choice.why)

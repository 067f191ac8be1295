"""Installs the operator by its chart on the chosen cluster, for the demo and the cluster tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import Cluster, Images, select_cluster
from dev.kubectl import Kubectl

NAMESPACE = "ragwright-system"
RELEASE = "ragwright"
CHART = Path(__file__).parent.parent / "charts" / "ragwright"


class HelmError(Exception):
    """helm ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Installed:
    """A cluster with the operator running."""

    cluster: Cluster
    images: Images
    kubectl: Kubectl

    @property
    def image(self) -> str:
        return self.images.ragwright


def helm(env: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["helm", *arguments], env=dict(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def image_values(images: Images) -> list[str]:
    """The chart's values for these images, as helm's arguments."""
    repository, _, tag = images.ragwright.rpartition(":")
    values = {"image.repository": repository, "image.tag": tag}
    if images.postgres:
        values["postgres.image"] = images.postgres
    if images.redis:
        values["redis.image"] = images.redis
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def install(say: Callable[[str], None]) -> Installed:
    """Cluster up, images in, operator rolled out. Raises ClusterError or HelmError."""
    cluster = select_cluster()
    cluster.up()
    images = cluster.images()
    kubectl = Kubectl(cluster.env())
    say("  helm upgrade --install ragwright charts/ragwright")
    # On our own cluster the CRD may be here from `kubectl apply -f crds/`.
    forced = ["--take-ownership", "--force-conflicts"] if cluster.disposable else []
    helm(
        cluster.env(),
        *("upgrade", "--install", RELEASE, str(CHART), *forced),
        *("--namespace", NAMESPACE, "--create-namespace"),
        *image_values(images),
    )
    # A chart of the same values rolls nothing out, but the image may be new under its old name.
    deployment = f"deploy/{RELEASE}-operator"
    kubectl("-n", NAMESPACE, "rollout", "restart", deployment)
    kubectl("-n", NAMESPACE, "rollout", "status", deployment, "--timeout=180s")
    return Installed(cluster, images, kubectl)


def uninstall(namespace: str) -> None:
    """Stop the cluster if it is ours. On the user's own cluster, remove only what the demo made.

    There the CRD stays: with it would go every pipeline of that cluster.
    """
    cluster = select_cluster()
    if cluster.disposable:
        cluster.down()
        return
    kubectl = Kubectl(cluster.env())
    kubectl("-n", namespace, "delete", "rag", "--all", "--ignore-not-found", "--timeout=120s")
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s")
    helm(cluster.env(), "uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found")

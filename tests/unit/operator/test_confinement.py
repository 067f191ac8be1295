"""What no author of a pipeline can have its pods do, and whom its pods let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ragwright_core.names import PIPELINE_LABEL
from ragwright_operator.desired.children import children
from ragwright_operator.desired.target import COMPONENT_LABEL
from tests.kit.golden import EXTERNAL, IDENTITY, IMAGES, SMALLEST, manifests, target

VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
OF_THE_NODE = {"hostNetwork", "hostPID", "hostIPC", "hostUsers", "nodeName"}
OF_OURS = {IMAGES.ragwright, IMAGES.postgres, IMAGES.redis}


def pods(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in manifests(target(spec)):
        if item["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield item["spec"]["template"]["spec"]


@pytest.mark.parametrize("spec", [SMALLEST, EXTERNAL], ids=["smallest", "external"])
def test_no_pod_has_a_part_of_its_node_or_another_account(spec: dict[str, Any]) -> None:
    found = list(pods(spec))
    assert found
    for pod in found:
        assert not OF_THE_NODE & pod.keys()
        # The clean-up outlives the pipeline's account; its token is not mounted either.
        assert pod.get("serviceAccountName") in ("docs-api", None)
        for volume in pod["volumes"]:
            assert volume.keys() - {"name"} <= VOLUMES
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["image"] in OF_OURS


def test_every_object_stands_in_the_pipelines_namespace() -> None:
    for item in manifests(target(EXTERNAL)):
        assert item["metadata"]["namespace"] == IDENTITY.namespace


def test_managed_stores_let_in_the_pods_of_their_pipeline_alone() -> None:
    for name in ("docs-postgres", "docs-redis"):
        [rule] = policy(name)["ingress"]
        assert rule["from"]
        for peer in rule["from"]:
            assert peer.keys() == {"podSelector"}, "a namespace's selector would let others in"
            assert peer["podSelector"]["matchLabels"][PIPELINE_LABEL] == "docs"
        components = {peer["podSelector"]["matchLabels"][COMPONENT_LABEL] for peer in rule["from"]}
        assert components == {"api", "load", "index", "swap", "cleanup"}


def test_the_internal_port_lets_in_the_operator_and_prometheus_alone() -> None:
    [public, internal] = policy("docs-api")["ingress"]
    assert [item["port"] for item in public["ports"]] == [8000]
    assert [item["port"] for item in internal["ports"]] == [8001]
    names = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in internal["from"]
    ]
    assert names == ["ragwright", "prometheus"]


def policy(name: str) -> dict[str, Any]:
    [found] = [
        item
        for item in children(target())
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == name
    ]
    return dict(found["spec"])

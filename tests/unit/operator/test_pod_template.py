"""Where a pipeline's pods run: what the administrator sets for all, and an author for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from ragwright_core.spec import RagPipelineSpec, shape_fingerprint
from ragwright_operator.desired.annotations import SETTINGS
from ragwright_operator.settings import Allowed, PodDefaults
from tests.kit.golden import SMALLEST, manifests, target
from tests.kit.operator import apply, pipeline, reconciler
from tests.kit.operator_world import NAME, NAMESPACE

PIN = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"x": [1]}}}
OWN: dict[str, Any] = {
    "nodeSelector": {"disk": "fast", "pool": "mine"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": PIN,
    "priorityClassName": "batch",
    "topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone"}],
    "labels": {"cost-centre": "17"},
    "annotations": {"example.com/a": "b"},
}
FOR_ALL = PodDefaults.model_validate(
    {
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "rag", "arch": "amd64"},
        "tolerations": [{"key": "rag", "value": "yes"}],
        "affinity": {"podAffinity": {"y": 1}},
        "priorityClassName": "teams",
        "runtimeClassName": "gvisor",
        "labels": {"app.kubernetes.io/component": "stolen", "tier": "rag"},
        "annotations": {SETTINGS: "stolen", "note": "all"},
    }
)


def templates(*, own: dict[str, Any] | None = None, **changed: Any) -> dict[str, dict[str, Any]]:
    made = replace(target({**SMALLEST, **({"podTemplate": own} if own else {})}), **changed)
    return {
        item["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: item["spec"][
            "template"
        ]
        for item in manifests(made)
        if "template" in item.get("spec", {})
    }


def test_every_pod_of_a_pipeline_is_placed_so() -> None:
    made = templates(own=OWN, pods=FOR_ALL)
    assert set(made) == {"api", "redis", "postgres", "load", "index", "cleanup"}
    for component, template in made.items():
        metadata, pod = template["metadata"], template["spec"]
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        assert pod["nodeSelector"] == {"pool": "mine", "arch": "amd64", "disk": "fast"}
        assert pod["tolerations"] == [{"key": "rag", "value": "yes"}, OWN["tolerations"][0]]
        assert pod["affinity"] == PIN
        assert (pod["priorityClassName"], pod["runtimeClassName"]) == ("batch", "gvisor")
        [spread] = pod["topologySpreadConstraints"]
        assert spread["topologyKey"] == "topology.kubernetes.io/zone"
        assert spread["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == component
        assert metadata["labels"] | {"cost-centre": "17", "tier": "rag"} == metadata["labels"]
        assert (
            metadata["annotations"] | {"note": "all", "example.com/a": "b"}
            == (metadata["annotations"])
        )
    assert made["redis"]["metadata"]["annotations"][SETTINGS] != "stolen"


def test_a_default_is_taken_where_the_author_writes_nothing_else() -> None:
    pod = templates(pods=FOR_ALL)["api"]["spec"]
    assert pod["affinity"] == {"podAffinity": {"y": 1}}
    assert pod["priorityClassName"] == "teams"
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_nothing_is_written_where_nothing_is_set() -> None:
    before = templates()
    assert templates(own={"nodeSelector": {}, "tolerations": []}) == before
    for field in ("nodeSelector", "tolerations", "affinity", "imagePullSecrets"):
        assert all(field not in template["spec"] for template in before.values())


def test_no_other_field_of_a_pod_can_be_reached() -> None:
    """Everything but where it runs is as it is without a template."""
    placed = {"nodeSelector", "tolerations", "affinity", "priorityClassName"}
    placed |= {"topologySpreadConstraints"}
    plain = templates()
    for component, template in templates(own=OWN).items():
        for field in template["spec"].keys() | plain[component]["spec"].keys():
            if field not in placed:
                assert template["spec"][field] == plain[component]["spec"][field], field


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"hostNetwork": True}, "Extra inputs"),
        ({"serviceAccountName": "admin"}, "Extra inputs"),
        ({"runtimeClassName": "runc"}, "Extra inputs"),
        ({"labels": {"ragwright.dev/pipeline": "other"}}, "write a key of your own domain"),
        ({"labels": {"app.kubernetes.io/name": "x"}}, "write a key of your own domain"),
        (
            {"annotations": {"container.apparmor.security.beta.kubernetes.io/api": "unconfined"}},
            "write a key of your own domain",
        ),
        ({"priorityClassName": "system-node-critical"}, "begin with system-"),
        ({"affinity": {"nodeAffinity": {"x": "y" * 9000}}}, "at most 8000 characters"),
    ],
)
def test_what_an_author_may_not_write(template: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RagPipelineSpec.model_validate({**SMALLEST, "podTemplate": template})


def test_no_index_is_rebuilt_for_where_pods_run() -> None:
    plain, placed = (
        RagPipelineSpec.model_validate({**SMALLEST, **more}) for more in ({}, {"podTemplate": OWN})
    )
    assert shape_fingerprint(plain) == shape_fingerprint(placed)


@pytest.mark.parametrize(
    ("spec", "allowed", "words"),
    [
        (
            {"database": {"managed": {"image": "docker.io/x/pg:1"}}},
            Allowed(images=("mirror.example/*",)),
            "database.managed.image is docker.io/x/pg:1, which is not among the images",
        ),
        (
            {"cache": {"managed": {"image": "docker.io/x/redis:1"}}},
            Allowed(images=("mirror.example/*",)),
            "cache.managed.image is",
        ),
        (
            {"podTemplate": {"annotations": {"example.com/a": "b"}}},
            Allowed(annotations=("example.org/*",)),
            "podTemplate.annotations holds example.com/a",
        ),
    ],
)
async def test_what_the_administrator_does_not_allow_is_told_and_not_carried_out(
    spec: dict[str, Any], allowed: Allowed, words: str
) -> None:
    world = apply(pipeline(**spec))
    strict = reconciler(world)
    await replace(strict, site=replace(strict.site, allowed=allowed)).reconcile(NAMESPACE, NAME)
    degraded = world.condition("Degraded")
    assert degraded.reason == "InvalidSpec"
    assert words in degraded.message
    assert not world.applied
    generous = Allowed(images=("docker.io/x/*",), annotations=("example.com/*",))
    await replace(strict, site=replace(strict.site, allowed=generous)).reconcile(NAMESPACE, NAME)
    assert world.applied

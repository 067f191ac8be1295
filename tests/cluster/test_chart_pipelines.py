"""What the chart tells the operator for the pods of all pipelines. Rendering needs no cluster."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.desired.target import Target
from ragwright_operator.settings import Images, PodDefaults, read_settings
from tests.kit.chart import operator_of, render, rendered
from tests.kit.golden import IDENTITY, SMALLEST, manifests

MIRROR = "global.imageRegistry=mirror.example:5000/all"
PAGE = Path("docs/howto/install-and-remove.md")


def test_authorities_and_proxies_are_the_operators_to_hand_on(env: Mapping[str, str]) -> None:
    values = (
        "trustBundle.configMap.name=corporate",
        "https_proxy=http://proxy.example:3128",
        'no_proxy=".svc,10.0.0.0/8"',
    )
    pod = operator_of(render(env, *values))["spec"]
    told = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
    assert told["RAGWRIGHT_HTTPS_PROXY"] == "http://proxy.example:3128"
    assert told["RAGWRIGHT_NO_PROXY"] == ".svc,10.0.0.0/8"
    [mounted] = [item for item in pod["containers"][0]["volumeMounts"] if item["name"] == "trust"]
    assert told["RAGWRIGHT_CA_FILE"] == f"{mounted['mountPath']}/ca.crt"
    [volume] = [item for item in pod["volumes"] if item["name"] == "trust"]
    items = [{"key": "ca.crt", "path": "ca.crt"}]
    assert volume["configMap"] == {"name": "corporate", "items": items}
    assert "trust" not in str(operator_of(render(env)))


@pytest.mark.parametrize(
    ("values", "image"),
    [
        (("image.repository=ragwright",), "mirror.example:5000/all/ragwright"),
        (("image.repository=quay.io/team/rag",), "mirror.example:5000/all/team/rag"),
        (("image.registry=quay.io", "image.repository=team/x"), "mirror.example:5000/all/team/x"),
        (("image.repository=localhost/x",), "mirror.example:5000/all/x"),
        (("image.repository=team/x",), "mirror.example:5000/all/team/x"),
    ],
)
def test_all_images_come_from_one_mirror(
    env: Mapping[str, str], values: tuple[str, ...], image: str
) -> None:
    pod = operator_of(render(env, MIRROR, *values, "image.tag=v1"))["spec"]["containers"][0]
    assert pod["image"] == f"{image}:v1"
    told = {item["name"]: item["value"] for item in pod["env"]}
    images = {name: value for name, value in told.items() if name.endswith("_IMAGE")}
    assert len(images) == 3
    assert all(value.startswith("mirror.example:5000/all/") for value in images.values())
    assert "docker.io" not in str(images)


def test_a_registry_stands_before_the_repository(env: Mapping[str, str]) -> None:
    made = render(env, "image.registry=quay.io/team", "image.repository=x", "image.tag=v1")
    assert operator_of(made)["spec"]["containers"][0]["image"] == "quay.io/team/x:v1"


def test_the_list_of_images_is_complete(env: Mapping[str, str]) -> None:
    """What the page's command prints is what pods of the chart run, and the operator's pods."""
    [command] = re.findall(r"\$ (helm template .*?/p')", PAGE.read_text(), re.S)
    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, check=True)
    listed = done.stdout.decode().split()
    everything = ("monitoring.enabled=true", "monitoring.dashboard=true")
    made = rendered(env, "image.repository=registry.example.com/ragwright", *everything)
    assert set(images_in(made)) <= set(listed)
    own, postgres, redis = listed
    known = Images(own, postgres, redis, "Always")
    pods = manifests(Target(IDENTITY, RagPipelineSpec.model_validate(SMALLEST), known))
    assert set(images_in(pods)) == set(listed)


def images_in(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "image" and isinstance(value, str):
                yield value
            yield from images_in(value)
    elif isinstance(part, list):
        for item in part:
            yield from images_in(item)


def test_what_holds_for_all_pipelines_is_the_operators_to_hand_on(env: Mapping[str, str]) -> None:
    template = {
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "rag"},
        "tolerations": [{"key": "rag", "operator": "Exists", "tolerationSeconds": 300}],
        "affinity": {"nodeAffinity": {"x": [1]}},
        "topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 2}],
        "priorityClassName": "teams",
        "runtimeClassName": "gvisor",
        "labels": {"cost-centre": "17"},
        "annotations": {"note": 'with "quotes"'},
    }
    values = {
        "pipelines": {
            "podTemplate": template,
            "allowedImages": ["mirror.example/*", "quay.io/x"],
            "allowedPodAnnotations": ["example.com/*"],
        },
        "global": {"imagePullSecrets": [{"name": "everywhere"}]},
    }
    made = render(env, *(f"{key}={json.dumps(value)}" for key, value in values.items()))
    pod = operator_of(made)["spec"]
    assert pod["imagePullSecrets"] == [{"name": "everywhere"}]
    told = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
    settings = read_settings(told)
    pulls = [{"name": "everywhere"}, {"name": "registry"}]
    assert settings.pods == PodDefaults.model_validate({**template, "imagePullSecrets": pulls})
    assert settings.allowed.images == ("mirror.example/*", "quay.io/x")
    assert settings.allowed.annotations == ("example.com/*",)
    assert (
        read_settings(
            {
                i["name"]: i["value"]
                for i in operator_of(render(env))["spec"]["containers"][0]["env"]
            }
        ).pods
        == PodDefaults()
    )

"""What the chart makes of values, names and versions. Rendering needs no cluster."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.install import CHART, HelmError, helm
from ragwright_operator.running.leave import DELETIONS_SECONDS, END_SECONDS, LETTING_GO_SECONDS
from tests.kit.chart import operator_of, render, rendered

# As Kubernetes checks them.
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
VERSIONS = (
    "0.1.0+9414ed9678d1",  # Flux: GitRepository by revision, and every OCIRepository
    "0.1.0-rc.1+build.5",
    "0.1.0-" + "a" * 60,
    "0.1.0-" + "a" * 46 + ".b",
    "0.1.0-" + "a" * 46 + "-.b+c",
)


def chart_of(folder: Path, version: str) -> Path:
    copy = folder / "ragwright"
    shutil.copytree(CHART, copy)
    file = copy / "Chart.yaml"
    text = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**text, "version": version, "appVersion": version}))
    return copy


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("release", ["mine", "a" * 53, "a" * 45 + ".b" + "c" * 6, "1st.release"])
def test_names_and_labels_are_allowed_whatever_the_version_and_the_release(
    env: Mapping[str, str], tmp_path: Path, version: str, release: str
) -> None:
    chosen = "monitoring.enabled=true,monitoring.dashboard=true,networkPolicy.enabled=true"
    made = render(env, chosen, release=release, chart=chart_of(tmp_path, version))
    for (kind, name), item in made.items():
        for value in (item["metadata"].get("labels") or {}).values():
            assert len(value) <= 63
            assert LABEL.fullmatch(value), value
        if kind == "Service":
            assert len(name) <= 63
            assert DNS_LABEL.fullmatch(name), name
    [operator] = [item for (kind, _), item in made.items() if kind == "Deployment"]
    image = operator["spec"]["template"]["spec"]["containers"][0]["image"]
    assert re.fullmatch(r"x:[A-Za-z0-9_][-.A-Za-z0-9_]*", image)


# What YAML takes for a number, a truth, nothing or a day unless it is quoted.
WORDS = ("123", "1e3", "0x1f", "017", "true", "null", "yes", "on", "n", "2026-01-01")


@pytest.mark.parametrize("word", [*WORDS, "1.5"])
def test_a_release_and_namespaces_may_be_named_like_numbers_and_words(
    env: Mapping[str, str], word: str
) -> None:
    namespace = word.replace(".", "-")
    everything = "monitoring.enabled=true,monitoring.dashboard=true,networkPolicy.enabled=true"
    watched = f"watchNamespaces={json.dumps(list(WORDS))}"
    made = rendered(env, everything, watched, release=word, namespace=namespace)
    namespaces: set[str] = set()
    for item in made:
        metadata = item["metadata"]
        if item["kind"] == "CustomResourceDefinition":
            continue
        assert metadata["labels"]["app.kubernetes.io/instance"] == word
        if "namespace" in metadata:
            namespaces.add(metadata["namespace"])
        for text in _texts(item):
            assert isinstance(text, str), (item["kind"], text)
    assert namespaces == {namespace, *WORDS}


def test_whatever_a_template_writes_into_a_field_is_quoted() -> None:
    """PyYAML, which reads the rendered objects here, takes fewer words for numbers than helm."""
    written = [
        line.strip()
        for file in Path(CHART, "templates").iterdir()
        if file.suffix in (".yaml", ".tpl")
        for line in file.read_text().splitlines()
        if re.search(r"(: |- )\{\{", line)
    ]
    safe = re.compile(r"quote }}|toYaml|toJson|podLabels|include .* \| nindent \d+ }}$")
    assert [line for line in written if not safe.search(line)] == []


def _texts(part: object, key: str = "") -> Iterator[object]:
    """Whatever stands where Kubernetes wants a text."""
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, dict | list):
                everywhere = name in ("labels", "matchLabels", "annotations", "matchNames")
                yield from _texts(value, "*" if everywhere else name)
            elif key == "*" or name in ("name", "namespace", "value", "imagePullPolicy"):
                yield value
    elif isinstance(part, list):
        for value in part:
            if isinstance(value, dict | list):
                yield from _texts(value, key)
            elif key == "*":
                yield value


def test_a_version_of_the_chart_alone_restarts_nothing(
    env: Mapping[str, str], tmp_path: Path
) -> None:
    key = ("Deployment", "mine-operator")
    other = chart_of(tmp_path, "9.9.9")
    assert (
        render(env, "image.tag=v1")[key]["spec"]["template"]
        == render(env, "image.tag=v1", chart=other)[key]["spec"]["template"]
    )


@pytest.mark.parametrize("enabled", [True, False])
def test_as_a_subchart_it_can_be_switched_off(
    env: Mapping[str, str], tmp_path: Path, *, enabled: bool
) -> None:
    parent = tmp_path / "platform"
    (parent / "charts").mkdir(parents=True)
    shutil.copytree(CHART, parent / "charts" / "ragwright")
    dependency = {"name": "ragwright", "version": "*", "condition": "ragwright.enabled"}
    about = {"apiVersion": "v2", "name": "platform", "version": "1.0.0"}
    (parent / "Chart.yaml").write_text(yaml.safe_dump({**about, "dependencies": [dependency]}))
    values = {
        "global": {"imageRegistry": "mirror.example"},
        "ragwright": {"enabled": enabled, "image": {"repository": "x"}},
    }
    (parent / "values.yaml").write_text(yaml.safe_dump(values))
    assert ("kind: Deployment" in helm(env, "template", str(parent))) is enabled


def test_a_kubernetes_without_what_the_pods_need_is_refused(env: Mapping[str, str]) -> None:
    image = ("--set", "image.repository=x")
    with pytest.raises(HelmError, match=r"requires kubeVersion: >=1\.30"):
        helm(env, "template", str(CHART), *image, "--kube-version", "1.29.9")
    helm(env, "template", str(CHART), *image, "--kube-version", "1.30.0-gke.1")


def test_a_platform_that_gives_uids_is_not_told_any(env: Mapping[str, str]) -> None:
    made = render(env, "podSecurityContext.runAsUser=null", "assignUids=false")
    pod = made["Deployment", "mine-operator"]["spec"]["template"]["spec"]
    assert "runAsUser" not in json.dumps(pod)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert {"name": "RAGWRIGHT_ASSIGN_UIDS", "value": "false"} in pod["containers"][0]["env"]


def test_notes_name_the_order_of_a_removal_and_the_way_out() -> None:
    notes = Path(CHART, "templates", "NOTES.txt").read_text()
    places = [
        notes.index(text)
        for text in ("kubectl delete rag -A --all", " uninstall ", "kubectl delete crd")
    ]
    assert places == sorted(places)
    assert """--type=merge -p '{"metadata":{"finalizers":null}}'""" in notes


def test_the_operators_pod_is_placed_and_named_as_a_platform_wants(env: Mapping[str, str]) -> None:
    wanted = {
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"x": 1}},
        "priorityClassName": "system-cluster-critical",
        "podLabels": {"team": "platform", "app.kubernetes.io/component": "mine"},
        "podAnnotations": {"scrape": "no"},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    }
    made = render(env, *(f"{key}={json.dumps(value)}" for key, value in wanted.items()))
    pod = operator_of(made)
    for key in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"):
        assert pod["spec"][key] == wanted[key]
    assert pod["metadata"]["annotations"] == wanted["podAnnotations"]
    assert pod["metadata"]["labels"]["team"] == "platform"
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "operator"
    assert {"name": "HTTPS_PROXY", "value": "http://proxy:3128"} in pod["spec"]["containers"][0][
        "env"
    ]


def test_common_labels_stand_on_every_object(env: Mapping[str, str]) -> None:
    labels = {"cost-centre": "17", "app.kubernetes.io/name": "mine"}
    everything = "monitoring.enabled=true,monitoring.dashboard=true,networkPolicy.enabled=true"
    for (kind, _), item in render(env, everything, f"commonLabels={json.dumps(labels)}").items():
        if kind != "CustomResourceDefinition":
            assert item["metadata"]["labels"]["cost-centre"] == "17", kind
            assert item["metadata"]["labels"]["app.kubernetes.io/name"] == "ragwright", kind


def test_an_image_by_digest_is_what_every_pod_runs(env: Mapping[str, str]) -> None:
    digest = f"sha256:{'0' * 64}"
    container = operator_of(render(env, f"image.digest={digest}"))["spec"]["containers"][0]
    assert container["image"] == f"x@{digest}"
    assert {"name": "RAGWRIGHT_IMAGE", "value": f"x@{digest}"} in container["env"]
    with pytest.raises(HelmError, match="digest"):
        render(env, "image.digest=0123")


def test_an_account_of_the_platforms_own_is_used_and_not_made(env: Mapping[str, str]) -> None:
    own = 'serviceAccount={"create": false, "name": "workload"}'
    made = render(env, own, "hooks.preDelete.enabled=false", "tests.enabled=false")
    assert not [kind for kind, _ in made if kind == "ServiceAccount"]
    assert operator_of(made)["spec"]["serviceAccountName"] == "workload"
    [binding] = [item for (kind, _), item in made.items() if kind == "ClusterRoleBinding"]
    assert binding["subjects"][0]["name"] == "workload"
    with pytest.raises(HelmError, match="name the account to use"):
        render(env, "serviceAccount.create=false")
    annotated = 'serviceAccount={"annotations": {"eks.amazonaws.com/role-arn": "arn:x"}}'
    accounts = [i for (k, _), i in render(env, annotated).items() if k == "ServiceAccount"]
    assert accounts[0]["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:x"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("https_proxy=http://me:secret@proxy:3128", "A login would stand in ConfigMaps"),
        ("http_proxy=proxy:3128", "write http://host:port"),
        ('watchNamespaces=["a", "b", "a"]', "names a namespace twice"),
        ('networkPolicy={"metricsFrom": [{"podSelector": {}}]}', "nobody would be kept out"),
    ],
)
def test_values_that_cannot_be_meant_are_refused_in_words(
    env: Mapping[str, str], value: str, words: str
) -> None:
    with pytest.raises(HelmError, match=words):
        render(env, value)


def test_what_the_chart_itself_sets_is_no_extra_variable(env: Mapping[str, str]) -> None:
    with pytest.raises(HelmError, match="extraEnv"):
        render(env, 'extraEnv=[{"name": "RAGWRIGHT_IMAGE", "value": "y"}]')


def let_go(made: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [item for item in made if "pre-delete" in str(item["metadata"].get("annotations"))]


@pytest.mark.parametrize("watched", [[], ["a", "b"]])
def test_before_an_uninstall_pipelines_are_let_go_with_no_right_but_that(
    env: Mapping[str, str], watched: list[str]
) -> None:
    made = rendered(env, f"watchNamespaces={json.dumps(watched)}", 'nodeSelector={"a": "b"}')
    hooks = let_go(made)
    [job] = [item for item in hooks if item["kind"] == "Job"]
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["command"] == ["ragwright-operator", "let-go"]
    told = {item["name"]: item["value"] for item in container["env"]}
    assert told["RAGWRIGHT_OPERATOR_ID"] == "system/mine-operator"
    assert told.get("RAGWRIGHT_WATCH_NAMESPACES", "") == ",".join(watched)
    assert pod["nodeSelector"] == {"a": "b"}
    # It waits for deletions, for the operator's end, for leases and pipelines, in that order.
    waits = DELETIONS_SECONDS + 2 * END_SECONDS + LETTING_GO_SECONDS
    assert waits <= job["spec"]["activeDeadlineSeconds"] < 300, "helm waits for five minutes"
    rules = [rule for item in hooks for rule in item.get("rules", [])]
    verbs = {(rule["resources"][0], verb) for rule in rules for verb in rule["verbs"]}
    assert verbs == {
        ("deployments", "get"),
        ("deployments/scale", "patch"),
        ("pods", "list"),
        ("ragpipelines", "list"),
        ("ragpipelines", "patch"),
        ("leases", "list"),
        ("leases", "delete"),
    }
    kinds = [item["kind"] for item in hooks]
    assert kinds.count("ClusterRole") == (0 if watched else 1)
    assert {item["metadata"]["namespace"] for item in hooks if item["kind"] == "Role"} == {
        "system",
        *watched,
    }
    selector = operator_of({(i["kind"], i["metadata"]["name"]): i for i in made})["metadata"]
    assert job["spec"]["template"]["metadata"]["labels"].items() != selector["labels"].items()


def test_the_hook_can_be_left_out(env: Mapping[str, str]) -> None:
    assert not let_go(rendered(env, "hooks.preDelete.enabled=false"))

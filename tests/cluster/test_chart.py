"""The chart: what it refuses, what it grants, what it keeps."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from dev.install import CHART, NAMESPACE, RELEASE, HelmError, Installed, helm, install
from dev.kubectl import KubectlError, until
from tests.kit.cluster import Namespace, pipeline

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-operator"


def may(installed: Installed, verb: str, resource: str) -> bool:
    resource, _, subresource = resource.partition("/")
    asked = ("auth", "can-i", verb, resource, f"--subresource={subresource}")
    try:
        answer = installed.kubectl(*asked, "--as", OPERATOR, "-A")
    except KubectlError as error:
        answer = str(error)
    return answer.strip().endswith("yes")


def test_refuses_to_install_without_an_image(installed: Installed) -> None:
    with pytest.raises(HelmError, match=r"image\.repository is empty: name the image"):
        helm(installed.cluster.env(), "template", str(CHART))


def test_refuses_an_unknown_value(installed: Installed) -> None:
    with pytest.raises(HelmError, match="imagee"):
        helm(installed.cluster.env(), "template", str(CHART), "--set", "imagee.repository=x")


def test_watches_only_named_namespaces_when_asked(installed: Installed) -> None:
    text = helm(
        installed.cluster.env(),
        *("template", str(CHART), "--set", "image.repository=x,watchNamespaces={a,b}"),
    )
    roles = [item for item in yaml.safe_load_all(text) if item and item["kind"] == "Role"]
    granted = [item["metadata"] for item in roles if item["metadata"]["name"].endswith("-operator")]
    assert [item["namespace"] for item in granted] == ["a", "b"]
    assert 'value: "a,b"' in text


def test_hosts_that_pipelines_may_contact_are_the_operators_to_know(installed: Installed) -> None:
    hosts = "allowedHosts={api.openai.com,*.models.svc,10.0.0.0/8}"
    values = ("--set", f"image.repository=x,{hosts}")
    text = helm(installed.cluster.env(), "template", str(CHART), *values)
    assert 'name: RAGWRIGHT_ALLOWED_HOSTS, value: "api.openai.com,*.models.svc,10.0.0.0/8"' in text
    wrong = "image.repository=x,allowedHosts={https://api.openai.com/v1}"
    with pytest.raises(HelmError, match="allowedHosts"):
        helm(installed.cluster.env(), "template", str(CHART), "--set", wrong)


@pytest.mark.parametrize("verb", ["get", "list", "watch", "update", "patch", "delete"])
def test_operator_can_do_nothing_with_a_secret_but_create_it(
    installed: Installed, verb: str
) -> None:
    assert may(installed, "create", "secrets")
    assert not may(installed, verb, "secrets")


@pytest.mark.parametrize("resource", ["pods/exec", "roles", "clusterroles", "nodes"])
def test_operator_has_no_way_to_more_rights(installed: Installed, resource: str) -> None:
    assert not may(installed, "create", resource)
    assert not may(installed, "get", resource)


def test_admits_only_the_readers_of_metrics_when_asked(installed: Installed) -> None:
    readers = '[{"namespaceSelector":{"matchLabels":{"monitoring":"true"}}}]'
    policy = (
        "--set",
        "networkPolicy.enabled=true",
        "--set-json",
        f"networkPolicy.metricsFrom={readers}",
    )
    image = ("--set", "image.repository=x")
    env = installed.cluster.env()
    assert "kind: NetworkPolicy" not in helm(env, "template", str(CHART), *image)
    assert f"from: {readers}" in helm(env, "template", str(CHART), *image, *policy)


def commands_before_an_uninstall(installed: Installed) -> str:
    """What NOTES name for sites without hooks."""
    notes = helm(installed.cluster.env(), "get", "notes", RELEASE, "--namespace", NAMESPACE)
    return notes[notes.index("  kubectl -n", notes.index("does the same beforehand")) :]


@pytest.mark.parametrize("way", ["hook", "commands"])
def test_crd_and_pipelines_stay_when_the_chart_goes_and_can_be_deleted_later(
    namespace: Namespace, way: str
) -> None:
    installed = namespace.installed
    env = installed.cluster.env()
    namespace.apply(pipeline("kept", suspend=True))
    namespace.apply(pipeline("going", suspend=True))
    until(lambda: namespace.get("deploy", "going-api"), 60, "the API of the pipeline")
    namespace("delete", "rag", "going", "--wait=false")
    try:
        if way == "commands":
            said = commands_before_an_uninstall(installed)
            subprocess.run(["bash", "-euc", said], env=env, check=True)
        hooks = () if way == "hook" else ("--no-hooks",)
        helm(env, "uninstall", RELEASE, "--namespace", NAMESPACE, *hooks)
        assert installed.kubectl.get("crd", "ragpipelines.ragwright.dev")
        kept = namespace.get("rag", "kept")
        assert kept is not None
        assert "finalizers" not in kept["metadata"]
        until(lambda: namespace.get("rag", "going") is None, 30, "the end of a deletion")
        assert namespace.get("deploy", "kept-api"), "what answers goes on"
        left = installed.kubectl("-n", NAMESPACE, "get", "sa,role,job", "-o", "name").split()
        assert [name for name in left if "let-go" in name] == []
        namespace("delete", "rag", "kept", "--timeout=30s")
        until(lambda: namespace.get("deploy", "kept-api") is None, 60, "the end of its children")
        assert namespace.get("pvc", "kept-postgres"), "deletionPolicy is Retain"
    finally:
        install(print)


def test_helm_test_finds_an_operator_that_answers(installed: Installed) -> None:
    told = helm(
        installed.cluster.env(), "test", RELEASE, "--namespace", NAMESPACE, "--timeout=180s"
    )
    assert "Succeeded" in told
    left = installed.kubectl("-n", NAMESPACE, "get", "pod,sa", "-o", "name").split()
    assert [name for name in left if name.endswith("-test")] == []


def test_notes_say_what_to_do_next(installed: Installed) -> None:
    notes = helm(installed.cluster.env(), "get", "notes", RELEASE, "--namespace", NAMESPACE)
    assert "kubectl apply -f examples/quickstart.yaml" in notes
    assert os.path.exists("examples/quickstart.yaml")

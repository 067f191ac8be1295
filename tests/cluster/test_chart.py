"""The chart: what it refuses, what it grants, what it keeps."""

from __future__ import annotations

import os

import pytest

from dev.install import CHART, NAMESPACE, RELEASE, HelmError, Installed, helm, install
from dev.kubectl import KubectlError, until
from tests.kit.cluster import Namespace, pipeline

NOTES = CHART / "templates" / "NOTES.txt"
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
    assert text.count("\nkind: Role\n") == 2
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


def test_crd_and_pipelines_stay_when_the_chart_goes(namespace: Namespace) -> None:
    installed = namespace.installed
    namespace.apply(pipeline("kept", suspend=True))
    helm(installed.cluster.env(), "uninstall", RELEASE, "--namespace", NAMESPACE)
    try:
        assert installed.kubectl.get("crd", "ragpipelines.ragwright.dev")
        assert namespace.get("rag", "kept")
        # Deleted without an operator it stays; the command of NOTES.txt lets it go.
        namespace("delete", "rag", "kept", "--wait=false")
        assert "finalizers" in (namespace.get("rag", "kept") or {})["metadata"]
        let_go = '{"metadata":{"finalizers":null}}'
        assert f"patch rag NAME --type=merge -p '{let_go}'" in NOTES.read_text()
        namespace("patch", "rag", "kept", "--type=merge", "-p", let_go)
        until(lambda: namespace.get("rag", "kept") is None, 30, "the end of the pipeline")
    finally:
        install(print)


def test_notes_say_what_to_do_next(installed: Installed) -> None:
    notes = helm(installed.cluster.env(), "get", "notes", RELEASE, "--namespace", NAMESPACE)
    assert "kubectl apply -f examples/quickstart.yaml" in notes
    assert os.path.exists("examples/quickstart.yaml")

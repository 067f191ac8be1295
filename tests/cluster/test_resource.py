"""The resource on a real API server: its definition, its quantities, and its old names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dev.generate.crd import resource_definition
from dev.kubectl import KubectlError, until
from tests.kit.cluster import RULES, Namespace, pipeline
from tests.kit.quantities import CANONICAL

DEFINITION = "ragpipelines.ragwright.dev"


def test_the_definition_is_shown_as_it_was_written(namespace: Namespace) -> None:
    """Whatever compares the two, as Argo CD does, finds no difference."""
    shown = namespace.kubectl.get("crd", DEFINITION)
    assert shown is not None
    assert shown["spec"] == resource_definition()["spec"]


def test_quantities_of_children_are_shown_as_they_are_written(namespace: Namespace) -> None:
    written = sorted({canonical for _, canonical in CANONICAL})
    containers = [
        {"name": f"c{n}", "image": "none", "resources": {"limits": {"cpu": item, "memory": item}}}
        for n, item in enumerate(written)
    ]
    labels = {"app": "quantities"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    namespace.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "quantities"},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        }
    )
    shown = namespace.get("Deployment", "quantities")
    assert shown is not None
    inside = shown["spec"]["template"]["spec"]["containers"]
    limits = [item["resources"]["limits"] for item in inside]
    assert limits == [{"cpu": item, "memory": item} for item in written]


def with_cpu(cpu: Any) -> dict[str, Any]:
    return pipeline("quantities", api={"replicas": 0, "resources": {"limits": {"cpu": cpu}}})


@pytest.mark.parametrize("cpu", [1, "1", "0.5", "1000m", "1e3", "2.5"])
def test_quantities_are_taken_as_kubernetes_takes_them(namespace: Namespace, cpu: Any) -> None:
    namespace.apply(with_cpu(cpu))
    shown = namespace.get("rag", "quantities")
    assert shown is not None
    # Half of the group was written, and nothing was added to it.
    assert shown["spec"]["api"]["resources"] == {"limits": {"cpu": cpu}}


@pytest.mark.parametrize("cpu", [0.5, 1.5, True])
def test_a_fraction_without_quotes_is_refused(namespace: Namespace, cpu: Any) -> None:
    with pytest.raises(KubectlError, match="must be of type integer,string"):
        namespace.apply(with_cpu(cpu))


@contextmanager
def old_definition(namespace: Namespace) -> Iterator[None]:
    """The definition as it was before the fields got their names."""

    def apply(text: str) -> None:
        flags = ("--server-side", "--force-conflicts", "--field-manager=helm")
        namespace.kubectl("apply", *flags, "-f", "-", stdin=text)

    new = json.dumps(resource_definition())
    old = new.replace("secretKeyRef", "secretRef").replace("adjacentShare", "adjacentWeight")
    apply(old)
    try:
        yield
    finally:
        apply(new)


@pytest.mark.parametrize("server_side", [False, True])
def test_an_old_name_is_told_and_never_taken_for_nothing(
    namespace: Namespace, *, server_side: bool
) -> None:
    """Without it an external database would become a managed one."""
    how = ("--server-side",) if server_side else ()

    def apply(**database: Any) -> None:
        made = pipeline("external", database=database)
        namespace("apply", *how, "-f", "-", stdin=json.dumps(made))

    namespace.write_rules(RULES)
    with old_definition(namespace):
        until(lambda: _takes(namespace, "secretRef"), 30, "the old definition to be in force")
        apply(secretRef={"name": "own"})
        told = namespace.until_reason("external", "InvalidSpec")
        assert "older than the operator" in told

    def renamed() -> bool:
        message = namespace.condition("external", "Degraded").get("message", "")
        return "spec.database.secretRef is now called secretKeyRef" in message

    until(renamed, 60, "the condition that gives the new name")
    assert namespace("get", "statefulset,deployment,pvc", "-o", "name") == ""
    apply(secretKeyRef={"name": "own"})
    assert "database" in namespace.until_reason("external", "SecretMissing", seconds=300)
    assert "external-postgres" not in namespace("get", "statefulset,pvc", "-o", "name")


def _takes(namespace: Namespace, name: str) -> bool:
    shown = namespace.kubectl("explain", "rag.spec.database")
    return name in shown


def test_applied_again_it_is_unchanged(namespace: Namespace) -> None:
    git = {"name": "code", "git": {"url": "https://git.example/docs"}}
    rules = {"name": "rules", "configMap": {"name": "rules"}}
    golden = [{"question": "What is the refund policy?", "source": "refunds.md"}]
    gates = {"gates": {"goldenQuestions": golden}}
    made = pipeline("same", suspend=True, sources=[rules, git], reindex=gates)
    assert namespace.apply(made).strip().endswith("created")
    until(lambda: namespace.condition("same", "Reindexing"), 60, "the first round")
    assert namespace.apply(made).strip().endswith("unchanged")


def test_a_strangers_secret_is_left_alone_and_hinders_nothing(namespace: Namespace) -> None:
    names = ("docs-redis", "docs-postgres")
    for name in names:
        namespace(
            "create", "secret", "generic", name, "--from-literal=url=redis://192.0.2.1:6379/0"
        )
    before = [namespace.get("secret", name) for name in names]
    namespace.write_rules(RULES)
    namespace.apply(pipeline("docs"))
    namespace.until_live("docs", 1)
    assert [namespace.get("secret", name) for name in names] == before
    assert "thirty days" in namespace.ask("docs", "What is the refund policy?")
    pods = namespace("get", "pods", "-o", "jsonpath={..volumes[*].secret.secretName}").split()
    assert not set(names) & set(pods)

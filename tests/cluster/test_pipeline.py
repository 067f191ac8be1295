"""A pipeline's life on a real cluster: answers, a reindex, repair, deletion."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from dev.kubectl import KubectlError, until
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from tests.kit.cluster import RULES, Namespace, pipeline
from tests.kit.transcript import documented, normalized

KINDS = (
    "deployments,statefulsets,services,configmaps,serviceaccounts,networkpolicies,"
    "poddisruptionbudgets"
)
OBJECTS = f"{KINDS},jobs,secrets,persistentvolumeclaims"


def objects_of(namespace: Namespace, kinds: str = OBJECTS) -> set[str]:
    names = namespace("get", kinds, "-l", PIPELINE_LABEL, "-o", "name")
    return set(names.split())


def orders_of(namespace: Namespace) -> list[str]:
    labels = "app.kubernetes.io/component in (load,index,swap)"
    return namespace("get", "configmaps", "-l", labels, "-o", "name").split()


def reindex(namespace: Namespace, name: str) -> None:
    namespace("annotate", "rag", name, "--overwrite", f"ragwright.dev/reindex={time.time_ns()}")


def test_from_apply_to_answers_to_a_reindex_to_nothing_left(namespace: Namespace) -> None:
    before = objects_of(namespace)
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules", deletionPolicy="Delete"))
    first = namespace.until_live("rules", 1)
    assert first.status["index"]["live"]["documents"] == 2
    assert "thirty days" in namespace.ask("rules", "What is the refund policy?")

    changed = RULES | {"refunds.md": RULES["refunds.md"].replace("thirty", "ninety")}
    namespace.write_rules(changed)  # nobody asks for a reindex
    second = namespace.until_live("rules", 2)
    assert "ninety days" in namespace.ask("rules", "What is the refund policy?")
    assert second.status["lastSwap"]["milliseconds"] < 250
    assert "1 changed" in json.dumps(second.status["history"])

    reindex(namespace, "rules")
    namespace.until(
        "rules",
        lambda at: "unchanged" in json.dumps(at.status.get("history")),
        "a reindex of unchanged documents to make no version",
    )
    assert namespace.state("rules").live == 2

    namespace("delete", "rag", "rules", "--timeout=60s")
    until(lambda: objects_of(namespace) == before, 60, "every object of the pipeline to be gone")


def test_every_child_comes_back(namespace: Namespace) -> None:
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules", api={"replicas": 2}))
    namespace.until_live("rules", 1)
    until(lambda: not objects_of(namespace, "jobs"), 30, "Jobs to be gone")
    until(lambda: not orders_of(namespace), 30, "their orders to be gone")
    children = objects_of(namespace, KINDS)
    kinds = {child.split("/")[0].split(".")[0] for child in children}
    assert kinds == {
        "deployment", "statefulset", "service", "configmap", "serviceaccount", "networkpolicy",
        "poddisruptionbudget",
    }  # fmt: skip

    for child in sorted(children):
        edit(namespace, child)
    until(lambda: not edited(namespace, children), 90, "every edit to be repaired")

    for child in sorted(children):
        namespace("delete", child, "--wait=false")
    until(lambda: objects_of(namespace, KINDS) == children, 90, "every child to be back")
    namespace.until("rules", lambda at: at.ready, "the pipeline to be ready again")
    assert namespace.state("rules").live == 1


EDITS: dict[str, dict[str, Any]] = {
    "deployment": {"spec": {"replicas": 5}},
    "statefulset": {"spec": {"replicas": 0}},
    "service": {"spec": {"selector": {"app": "someone-else"}}},
    "configmap": {"data": {"settings.json": "{}", "postgres-start.sh": "", "redis.conf": ""}},
    "serviceaccount": {"automountServiceAccountToken": True},
    "networkpolicy": {"spec": {"ingress": []}},
    "poddisruptionbudget": {"spec": {"maxUnavailable": 7}},
}


def edit(namespace: Namespace, child: str) -> None:
    patch = EDITS[child.split("/", maxsplit=1)[0].split(".", maxsplit=1)[0]]
    if (namespace.get(*child.split("/")) or {}).get("immutable"):
        with pytest.raises(KubectlError, match="immutable"):
            namespace("patch", child, "--type=merge", "-p", json.dumps(patch))
    else:
        namespace("patch", child, "--type=merge", "-p", json.dumps(patch))


def edited(namespace: Namespace, children: set[str]) -> list[str]:
    """The children that still hold what the edit wrote."""

    def holds(found: Any, wanted: Any) -> bool:
        if isinstance(wanted, dict):
            return any(key in found and holds(found[key], wanted[key]) for key in wanted)
        return bool(found == wanted)

    return [
        child
        for child in children
        if holds(namespace.get(*child.split("/")) or {}, EDITS[child.split("/")[0].split(".")[0]])
    ]


def test_kubectl_get_rag_shows_what_matters(namespace: Namespace) -> None:
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules"))
    namespace.until_live("rules", 1)
    header, row = namespace("get", "rag").splitlines()
    assert header.split() == [
        "NAME", "READY", "LIVE", "BUILDING", "PROGRESS", "DOCS", "CHUNKS", "URL", "AGE",
    ]  # fmt: skip
    url = PipelineName(namespace.name, "rules").url
    assert row.split()[:3] == ["rules", "True", "1"]
    assert url in row
    shown = [
        normalized("\n".join((header, row))),
        normalized(namespace("describe", "rag", "rules")),
    ]
    assert shown == documented(), "mend docs/reference/kubectl.md"


def test_replicas_are_scaled_through_the_scale_subresource(namespace: Namespace) -> None:
    """As `kubectl scale`, KEDA and an autoscaler of the pipeline do."""
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules"))
    namespace.until_live("rules", 1)
    namespace("scale", "rag", "rules", "--replicas=2")
    plural = f"/apis/ragwright.dev/v1alpha1/namespaces/{namespace.name}/ragpipelines"

    def scaled() -> dict[str, Any] | None:
        scale: dict[str, Any] = json.loads(namespace("get", "--raw", f"{plural}/rules/scale"))
        return scale if scale["status"]["replicas"] == 2 else None

    shown = until(scaled, 60, "two replicas")
    assert shown["spec"] == {"replicas": 2}
    pods = namespace("get", "pods", "-l", shown["status"]["selector"], "-o", "name").split()
    assert len(pods) == 2
    assert namespace.state("rules").live == 1


def test_a_retained_index_is_adopted_without_a_rebuild(namespace: Namespace) -> None:
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules"))
    namespace.until_live("rules", 1)
    namespace("delete", "rag", "rules", "--timeout=60s")
    namespace.apply(pipeline("rules"))
    again = namespace.until_live("rules", 1)
    assert again.live == 1

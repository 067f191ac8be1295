"""Manifests: golden files, what every pod must have, and that each field reaches something."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from ragwright_core.contract import SETTINGS_FILE
from ragwright_core.serving import ServeSettings
from ragwright_core.spec import RagPipelineSpec, SecretKey, Source
from ragwright_operator.desired.children import children
from ragwright_operator.desired.job import cleanup_job
from ragwright_operator.desired.objects import shipped
from ragwright_operator.desired.target import VERSION_LABEL, Target
from tests.kit.golden import (
    EXTERNAL,
    FOLDER,
    IDENTITY,
    IMAGES,
    SMALLEST,
    build,
    golden,
    manifests,
    target,
)


@pytest.mark.parametrize("name", ["smallest.yaml", "external.yaml"])
def test_manifests_are_those_of_the_golden_files(name: str) -> None:
    assert golden()[name] == (FOLDER / name).read_text(), "if meant: python -m tests.kit.golden"


def pods(made: Target) -> list[dict[str, Any]]:
    return [item["spec"]["template"]["spec"] for item in manifests(made) if _has_pods(item)]


def _has_pods(item: dict[str, Any]) -> bool:
    return item["kind"] in ("Deployment", "StatefulSet", "Job")


@pytest.mark.parametrize("spec", [SMALLEST, EXTERNAL])
def test_every_pod_is_admitted_by_pod_security_restricted(spec: dict[str, Any]) -> None:
    made = pods(target(spec))
    assert made
    for pod in made:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert container["resources"]["limits"]["memory"]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("spec", [SMALLEST, EXTERNAL])
def test_every_object_says_what_it_is_part_of_and_which_release_wrote_it(
    spec: dict[str, Any],
) -> None:
    for item in manifests(target(spec)):
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "ragwright"
        never_written_again = item["kind"] == "Secret"
        assert (VERSION_LABEL in labels) is not never_written_again


def test_a_new_release_alone_changes_no_pod_and_no_selector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def specs() -> list[Any]:
        return [item["spec"] for item in children(target()) if "spec" in item]

    before = specs()
    monkeypatch.setattr("ragwright_operator.desired.target.RELEASE", "99.0.0")
    written = {item["metadata"]["labels"][VERSION_LABEL] for item in children(target())}
    assert written == {"99.0.0"}
    assert specs() == before


def test_where_the_platform_gives_uids_no_pod_names_one() -> None:
    images = replace(IMAGES, assign_uids=False)
    made = Target(IDENTITY, RagPipelineSpec.model_validate(SMALLEST), images)
    for pod in pods(made):
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & pod["securityContext"].keys()
        assert pod["securityContext"]["runAsNonRoot"] is True
    [server] = [item for item in children(made) if item["kind"] == "StatefulSet"]
    pod = server["spec"]["template"]["spec"]
    assert "id -u" in pod["initContainers"][0]["command"][-1], "Postgres wants a name for its uid"
    [passwd] = [m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == "/etc/passwd"]
    assert passwd["name"] == "passwd"


def test_no_password_but_in_secrets() -> None:
    for item in manifests(target()):
        assert ("canary-7f3a" in json.dumps(item)) == (item["kind"] == "Secret"), item["kind"]


def test_every_child_has_the_pipeline_as_owner_but_what_outlives_it() -> None:
    _, cleanup_order = cleanup_job(target())
    free = {
        (item["kind"], item["metadata"]["name"])
        for item in manifests(target())
        if not any(
            owner["kind"] == "RagPipeline" for owner in item["metadata"].get("ownerReferences", [])
        )
    }
    assert free == {
        ("PersistentVolumeClaim", "docs-postgres"),
        ("Secret", target().postgres_secret),
        ("Job", "docs-cleanup"),
        ("ConfigMap", cleanup_order["metadata"]["name"]),
    }
    deleted = children(target({**SMALLEST, "deletionPolicy": "Delete"}))
    [claim] = [item for item in deleted if item["kind"] == "PersistentVolumeClaim"]
    assert claim["metadata"]["ownerReferences"][0]["uid"] == IDENTITY.uid


def test_secrets_are_optional_for_our_programs_and_demanded_by_servers() -> None:
    for item in filter(_has_pods, manifests(target(SMALLEST))):
        server = item["metadata"]["name"] in ("docs-postgres", "docs-redis")
        for volume in item["spec"]["template"]["spec"]["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["optional"] is not server


def test_no_two_volumes_share_a_mount() -> None:
    for pod in pods(target(EXTERNAL)):
        for container in pod["containers"]:
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert len(paths) == len(set(paths))


def test_the_api_rolls_for_what_it_is_told_at_start_and_not_for_the_rest() -> None:
    def template(spec: dict[str, Any]) -> Any:
        [api] = [
            item
            for item in children(target({**SMALLEST, **spec}))
            if (item["kind"], item["metadata"]["name"]) == ("Deployment", "docs-api")
        ]
        return api["spec"]["template"]

    assert template({"retrieval": {"topK": 9}}) != template({})
    assert template({"cache": {"answerTtlSeconds": 5}}) != template({})
    assert template({"chunking": {"maxCharacters": 500}}) == template({})
    assert template({"api": {"replicas": 9}}) == template({})
    adopting = Target(
        IDENTITY.model_copy(update={"adopt": "x"}),
        RagPipelineSpec.model_validate(SMALLEST),
        IMAGES,
        volume_uid="uid-of-volume",
    )
    assert children(adopting) == children(target())


def test_the_api_reads_the_settings_that_are_mounted() -> None:
    config = next(item for item in children(target(EXTERNAL)) if item["kind"] == "ConfigMap")
    assert config["immutable"] is True
    [api] = [item for item in children(target(EXTERNAL)) if item["kind"] == "Deployment"]
    volumes = api["spec"]["template"]["spec"]["volumes"]
    [mounted] = [item["configMap"]["name"] for item in volumes if "configMap" in item]
    assert mounted == config["metadata"]["name"]
    settings = ServeSettings.model_validate_json(config["data"][SETTINGS_FILE.name])
    assert settings.llm == target(EXTERNAL).spec.llm


def test_keys_of_kept_versions_stay_mounted() -> None:
    made = Target(
        IDENTITY,
        RagPipelineSpec.model_validate(SMALLEST),
        IMAGES,
        kept_secrets=(SecretKey(name="old", key="token"),),
    )
    paths = [
        mount["mountPath"]
        for pod in pods(made)
        for mount in pod["containers"][0]["volumeMounts"]
        if mount["name"].startswith("secret-")
    ]
    # The API answers from them; golden questions are asked of the live version too.
    assert paths == ["/etc/ragwright/secrets/old"] * 3


def test_a_cleanup_survives_its_pipeline() -> None:
    job, order = cleanup_job(target(EXTERNAL))
    assert "ownerReferences" not in order["metadata"], "it is given its Job as owner"
    assert "ownerReferences" not in job["metadata"]
    assert "serviceAccountName" not in job["spec"]["template"]["spec"], "it is deleted meanwhile"
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_scripts_are_part_of_the_package() -> None:
    assert shipped("postgres-start.sh").startswith("#!/bin/sh")


OTHER: dict[str, Any] = {
    "sources": [{"name": "other", "configMap": {"name": "other"}}],
    "chunking.maxCharacters": 500,
    "chunking.overlapCharacters": 20,
    "chunking.maxTokens": 99,
    "embedding.provider": "openai",
    "embedding.model": "other",
    "embedding.dimensions": 64,
    "embedding.baseUrl": "https://other.example",
    "embedding.secretKeyRef": {"name": "other", "key": "other"},
    "embedding.documentPrefix": "passage: ",
    "embedding.queryPrefix": "query: ",
    "llm.provider": "openai",
    "llm.model": "other",
    "llm.baseUrl": "https://other.example",
    "llm.secretKeyRef": {"name": "other", "key": "other"},
    "llm.maxTokens": 9,
    "llm.timeoutSeconds": 9,
    "llm.instructions": "Be brief.",
    "retrieval.topK": 9,
    "retrieval.denseWeight": 9,
    "retrieval.lexicalWeight": 9,
    "retrieval.adjacentShare": 90,
    "retrieval.language": "simple",
    "retrieval.minScore": 50,
    "database.managed": {"storage": "99Gi"},
    "database.secretKeyRef": {"name": "other"},
    "database.readOnlySecretKeyRef": {"name": "other"},
    "database.pooledSecretKeyRef": {"name": "other"},
    "database.indexMemory": "99Mi",
    "cache.managed": {"maxMemory": "99Mi"},
    "cache.secretKeyRef": {"name": "other"},
    "cache.answerTtlSeconds": 9,
    "cache.embeddingTtlSeconds": 9,
    "cache.inProcessMemory": "9Mi",
    "cache.tokenSecretKeyRef": {"name": "other", "key": "token"},
    "cache.stable": True,
    "cache.staleIfErrorSeconds": 9,
    "api.autoscaling": {"maxReplicas": 9},
    "api.load": {"inFlight": 9, "queue": 9},
    "api.replicas": 9,
    "api.resources": {
        "requests": {"cpu": "9", "memory": "9Gi"},
        "limits": {"cpu": "9", "memory": "9Gi"},
    },
    "reindex.keep": 9,
    "reindex.gates": {"maxShrink": 9},
    "reindex.approval": "Manual",
    "ingest.parallelism": 9,
    "ingest.deadlineSeconds": 99,
    "ingest.indexWorkers": 9,
    "ingest.resources": {
        "requests": {"cpu": "9", "memory": "9Gi"},
        "limits": {"cpu": "9", "memory": "9Gi"},
    },
    "podTemplate": {"nodeSelector": {"pool": "9"}},
    "deletionPolicy": "Delete",
}
# Read by the plan and the status; test_operator_life.py and test_webhooks.py have their tests.
PLANNED = {
    "suspend",
    "api.externalURL",
    "reindex.pin",
    "reindex.pollInterval",
    "reindex.schedule",
    "reindex.timeZone",
}


def _fields() -> set[str]:
    names = set()
    for name, field in RagPipelineSpec.model_fields.items():
        group = field.annotation
        inner = getattr(group, "model_fields", None)
        alias = field.alias or name
        names |= (
            {f"{alias}.{item.alias or key}" for key, item in inner.items()} if inner else {alias}
        )
    return names


def test_the_table_of_fields_is_complete() -> None:
    assert set(OTHER) | PLANNED == _fields()


@pytest.mark.parametrize("path", sorted(OTHER))
def test_each_field_reaches_something(path: str) -> None:
    base = target()
    group, _, field = path.partition(".")
    spec = copy.deepcopy(SMALLEST)
    if field:
        spec[group] = {field: OTHER[path]}
    else:
        spec[group] = OTHER[path]
    other = target(spec)
    assert manifests(other) != manifests(base)
    # A Job's order holds the whole spec; what is not for Jobs must show elsewhere.
    if group in ("llm", "retrieval", "cache", "api", "deletionPolicy"):
        assert children(other) != children(base)


def test_a_load_job_has_a_pod_for_each_worker_and_mounts_its_sources() -> None:
    spec = {
        "sources": [
            {"name": "a", "configMap": {"name": "one"}},
            {"name": "b", "configMap": {"name": "two"}},
        ],
        "ingest": {"parallelism": 7},
    }
    made = target(spec)
    load, order = build(made, "load", 3)
    assert (load["spec"]["completions"], load["spec"]["parallelism"]) == (7, 7)
    assert load["metadata"]["name"] == "docs-0123456789-load-3"
    mounts = load["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    paths = [mount["mountPath"] for mount in mounts]
    assert {"/etc/ragwright/sources/a", "/etc/ragwright/sources/b"} <= set(paths)
    assert {"name": "order", "mountPath": "/etc/ragwright/order", "readOnly": True} in mounts
    assert (order["immutable"], order["metadata"]["name"][:-8]) == (True, "docs-0123456789-load-3-")
    index, _ = build(made, "index", 3)
    assert index["spec"]["completions"] == 1


def test_the_longest_names_fit() -> None:
    identity = IDENTITY.model_copy(update={"name": "a" * 40})
    source = Source.model_validate(SMALLEST["sources"][0])
    made = Target(identity, RagPipelineSpec(sources=[source]), IMAGES)
    for item in manifests(made):
        # What becomes part of a host's name or of a label; a ConfigMap's name does not.
        assert len(item["metadata"]["name"]) <= (253 if item["kind"] == "ConfigMap" else 63)
        for value in item["metadata"]["labels"].values():
            assert len(value) <= 63
    assert len(identity.names.job("f" * 64, "index", 99_999)) <= 63

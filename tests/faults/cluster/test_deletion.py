"""Row 20: a pipeline is deleted at a bad moment. Its neighbour notices nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dev.kubectl import until
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from tests.kit.cluster import pipeline
from tests.kit.faults.pods import hold
from tests.kit.faults.snapshot import sql
from tests.kit.faults.stage import Stage
from tests.kit.faults.table import Record

GONE_SECONDS = 60
# Longer than a round, a watch event and a retry take.
AFTERWARDS_SECONDS = 5
NOWHERE = "postgresql://nobody:nothing@192.0.2.1:5432/nothing"
# kopf says so of a daemon that is in the middle of a round; the clean-up tells of its end.
GOING = r"Daemon 'rounds'|is not done|clean-up"


def guest(stage: Stage, name: str, secret: str = "", **spec: Any) -> dict[str, Any]:
    """A pipeline whose index stands on a server that outlives it."""
    secret = secret or stage.space.store_secret(stage.name, "postgres")
    small = pipeline(name)["spec"]["api"]
    api = {**small, "replicas": 1}
    return pipeline(name, database={"secretKeyRef": {"name": secret}}, api=api, **spec)


def until_job(stage: Stage, name: str, step: str) -> None:
    labels = f"{PIPELINE_LABEL}={name},app.kubernetes.io/component={step}"
    until(
        lambda: stage.space("get", "jobs", "-l", labels, "-o", "name").strip(),
        90,
        f"the {step} Job of {name}",
        pause=0.1,
    )


def delete(stage: Stage, record: Record, name: str, *how: str) -> None:
    """Gone in time, and with it every object; and no one makes anything anew."""
    began = time.monotonic()
    stage.space("delete", "rag", name, f"--timeout={GONE_SECONDS + 30}s", *how)
    record.at_most("seconds until gone", round(time.monotonic() - began, 1), GONE_SECONDS)
    kinds = "deployments,statefulsets,services,configmaps,pods"
    selector = ("-l", f"{PIPELINE_LABEL}={name},app.kubernetes.io/component!=cleanup")
    until(lambda: not stage.space("get", kinds, *selector, "-o", "name").strip(), 90, "its objects")
    first = len(stage.proxy.writes)
    hold(AFTERWARDS_SECONDS)
    made = [write.words for write in stage.proxy.writes[first:] if write.made.startswith(name)]
    record.at_most("made again", len(made), 0, str(made))


@pytest.mark.row(20, "deleted while its documents are loaded, in the foreground")
def test_deleted_during_load(stage: Stage, record: Record) -> None:
    name = "loading"
    with stage.row(record, builds=0, allowed=GOING):
        stage.space.apply(guest(stage, name, deletionPolicy="Delete"))
        until_job(stage, name, "load")
        delete(stage, record, name, "--cascade=foreground")
        until(lambda: not _schema(stage, name), 30, "its schema to be gone")


@pytest.mark.row(20, "deleted during the index step")
def test_deleted_during_the_index_step(stage: Stage, record: Record) -> None:
    """Retain: the schema stays, whatever the Job was doing."""
    name = "indexing"
    with stage.row(record, builds=0, allowed=GOING):
        stage.space.apply(guest(stage, name))
        until_job(stage, name, "index")
        delete(stage, record, name)
        assert _schema(stage, name)


@pytest.mark.row(20, "deleted while its database is gone")
def test_deleted_with_the_database_gone(stage: Stage, record: Record) -> None:
    name, secret = "nowhere", "nowhere"
    with stage.row(record, builds=0, allowed=GOING):
        stage.space("create", "secret", "generic", secret, f"--from-literal=uri={NOWHERE}")
        stage.space.apply(guest(stage, name, secret, deletionPolicy="Delete"))
        until_job(stage, name, "load")
        delete(stage, record, name)


@pytest.mark.row(20, "its namespace goes")
def test_the_namespace_goes(empty: Stage, record: Record) -> None:
    empty.write(1)
    empty.space.apply(empty.manifest())
    until_job(empty, empty.name, "load")
    began = time.monotonic()
    kubectl, namespace = empty.space.kubectl, empty.space.name
    kubectl("delete", "namespace", namespace, "--wait=false")
    until(lambda: not kubectl.get("-n", namespace, "rag", empty.name), 90, "the pipeline's end")
    record.at_most("seconds until gone", round(time.monotonic() - began, 1), GONE_SECONDS)
    until(lambda: not kubectl.get("namespace", namespace), 120, "the namespace's end")


def _schema(stage: Stage, name: str) -> list[str]:
    schema = PipelineName(stage.space.name, name).schema
    statement = f"SELECT nspname FROM pg_namespace WHERE nspname = '{schema}'"
    return sql(stage.space, stage.names, statement)

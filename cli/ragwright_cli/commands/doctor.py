"""`kubectl rag doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

import typer

from ragwright_cli.cluster import Cluster, ClusterError
from ragwright_cli.options import Common, Name
from ragwright_cli.pipeline import Pipeline, read_pipeline
from ragwright_cli.reading import diagnosis
from ragwright_cli.reading.diagnosis import Check
from ragwright_cli.screen import say, show_json

_WORDS = {"ok": "ok", "wrong": "WRONG", "unknown": "?"}
_STYLES = {"ok": "green", "wrong": "bold red", "unknown": "yellow"}


def doctor(common: Common, name: Name = None) -> None:
    """Examine the cluster and its pipelines: the cause first, then the command."""
    with common.cluster() as cluster:
        checks = list(examine(cluster, name))
    if common.output == "json":
        show_json([asdict(item) for item in checks])
    else:
        for item in checks:
            _show(item)
    if any(item.state == "wrong" for item in checks):
        raise typer.Exit(1)


def _show(check: Check) -> None:
    say(f"{_WORDS[check.state]:<6} {check.what}", style=_STYLES[check.state])
    if check.command:
        say(f"       {check.command}")


def examine(cluster: Cluster, name: str | None) -> Iterator[Check]:
    """All pipelines of the namespace, where none is named."""
    yield Check("ok", f"the API server answers ({cluster.version()})")
    resource = diagnosis.resource(installed=cluster.has_resource())
    yield resource
    if resource.state == "wrong":
        return
    yield from _unless_refused(lambda: _operator(cluster))
    found = [cluster.pipeline(name)] if name else map(read_pipeline, cluster.pipelines())
    none = True
    for pipeline in found:
        none = False
        yield from _pipeline(cluster, pipeline)
    if none:
        yield Check("ok", f"there is no pipeline in namespace {cluster.namespace}")


def _operator(cluster: Cluster) -> Iterator[Check]:
    deployments = cluster.deployments(diagnosis.OPERATOR_LABELS)
    yield diagnosis.operator(deployments, cluster.namespace)


def _pipeline(cluster: Cluster, pipeline: Pipeline) -> Iterator[Check]:
    try:
        pods = cluster.pods_of(pipeline.names)
    except ClusterError as error:
        if error.status != 403:
            raise
        pods = []
        yield Check("unknown", str(error))
    yield from diagnosis.pipeline(pipeline, pods)


def _unless_refused(look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """What a person may not look at is no fault of the cluster."""
    try:
        yield from look()
    except ClusterError as error:
        if error.status != 403:
            raise
        yield Check("unknown", str(error))

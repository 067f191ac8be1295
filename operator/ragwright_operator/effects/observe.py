"""Reads the world around one pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from pydantic import ValidationError

from ragwright_core.handover import Identity
from ragwright_core.names import PipelineName
from ragwright_core.report import IndexSummary
from ragwright_core.spec import (
    ADOPT_ANNOTATION,
    APPROVE_ANNOTATION,
    REINDEX_ANNOTATION,
    RagPipelineSpec,
)
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.target import Manifest, Target
from ragwright_operator.observed import Observed, key_of
from ragwright_operator.readings import read_job, read_pod
from ragwright_operator.settings import Images

ReadChildren = Callable[[str, str], Iterable[Manifest]]
AskIndex = Callable[[PipelineName], Awaitable[IndexSummary | None]]


async def observe(
    pipeline: Manifest,
    cluster: str,
    images: Images,
    read_children: ReadChildren,
    ask_index: AskIndex,
) -> Observed:
    """Raises ValidationError for a spec that this release cannot read."""
    status = read_status(pipeline)
    target = read_target(pipeline, cluster, images, status)
    names = target.names
    children = list(read_children(names.namespace, names.name))
    summary = None
    if any(child["kind"] == "Pod" for child in children):
        # Asked after the children were read: a Job that has reported finds the API up to date.
        summary = await ask_index(names)
    return Observed(
        target=target,
        generation=pipeline["metadata"]["generation"],
        trigger=_annotation(pipeline, REINDEX_ANNOTATION),
        approval=_annotation(pipeline, APPROVE_ANNOTATION),
        status=status,
        children={
            key_of(child): child for child in children if child["kind"] not in ("Job", "Pod")
        },
        jobs={
            child["metadata"]["name"]: read_job(child)
            for child in children
            if child["kind"] == "Job"
        },
        pods=tuple(read_pod(child) for child in children if child["kind"] == "Pod"),
        summary=summary,
    )


def read_status(pipeline: Manifest) -> PipelineStatus:
    """A status that cannot be read is derived from nothing: it holds no truth of its own."""
    try:
        return PipelineStatus.model_validate(pipeline.get("status") or {})
    except ValidationError:
        return PipelineStatus()


def read_target(pipeline: Manifest, cluster: str, images: Images, status: PipelineStatus) -> Target:
    metadata = pipeline["metadata"]
    return Target(
        identity=Identity(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            cluster=cluster,
            adopt=_annotation(pipeline, ADOPT_ANNOTATION),
        ),
        spec=RagPipelineSpec.model_validate(pipeline.get("spec") or {}),
        images=images,
        kept_secrets=tuple(version.secret_ref for version in status.kept if version.secret_ref),
        postgres_restart=status.recreated.postgres,
        redis_restart=status.recreated.redis,
    )


def _annotation(pipeline: Manifest, name: str) -> str:
    return str((pipeline["metadata"].get("annotations") or {}).get(name, ""))

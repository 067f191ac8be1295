"""Reads the world around one pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from ragwright_core.model import Paths
from ragwright_core.names import Identity
from ragwright_core.report import IndexSummary
from ragwright_core.spec import (
    ADOPT_ANNOTATION,
    APPROVE_ANNOTATION,
    MOVE_ANNOTATION,
    REINDEX_ANNOTATION,
)
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.target import Manifest, Target
from ragwright_operator.memory.carried import carried
from ragwright_operator.settings import Site
from ragwright_operator.world.attempts import read_attempts
from ragwright_operator.world.jobs import JobState, read_job
from ragwright_operator.world.observed import Observed, key_of
from ragwright_operator.world.pods import PodState, read_pod
from ragwright_operator.world.spec import last_written, read_spec
from ragwright_operator.world.stores import with_stores

# An annotation may hold 256 KiB, and the one with the uid becomes part of an order.
LONGEST_UID = 100

ReadChildren = Callable[[str, str], Iterable[Manifest]]
SeenDocuments = Callable[[str, Iterable[str]], Mapping[str, str]]
ReadDocuments = Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]]
AskIndex = Callable[[Identity], Awaitable[IndexSummary | None]]


@dataclass(frozen=True)
class Readers:
    """How the world is read: the children of a pipeline, what tells a change of its ConfigMaps, as
    last seen and as it is now, and what its API says of the index."""

    children: ReadChildren
    documents_seen: SeenDocuments
    documents: ReadDocuments
    ask_index: AskIndex


async def observe(pipeline: Manifest, site: Site, readers: Readers) -> Observed:
    """Everything that a round needs to know. Raises UnusableSpecError."""
    status, unknown = read_status(pipeline)
    target = read_target(pipeline, site, status)
    names = target.names
    children = list(readers.children(names.namespace, names.name))
    documents = dict(readers.documents_seen(names.namespace, target.spec.config_maps))
    target = with_stores(target, children, status.operator.images)
    # Of strangers' objects, the watch keeps only the metadata.
    whole = [child for child in children if "spec" in child]
    jobs = [read_job(child) for child in whole if child["kind"] == "Job"]
    pods = tuple(read_pod(child) for child in whole if child["kind"] == "Pod")
    summary = None
    if pods:
        # Asked after the children were read: if a Job has reported, the API is up to date.
        summary = await readers.ask_index(target.identity)
    return Observed(
        target=target,
        generation=pipeline["metadata"]["generation"],
        trigger=_annotation(pipeline, REINDEX_ANNOTATION),
        documents=documents,
        approval=_annotation(pipeline, APPROVE_ANNOTATION),
        move=_annotation(pipeline, MOVE_ANNOTATION),
        status=status,
        schedule_written=last_written(pipeline, "reindex", ("schedule", "timeZone")),
        children={
            key_of(child): child for child in children if child["kind"] not in ("Job", "Pod")
        },
        jobs={job.name: job for job in jobs},
        pods=pods,
        attempts=read_attempts(jobs, pods),
        summary=summary,
        ignored=_ignored(unknown, jobs, pods),
    )


def _ignored(
    of_status: Paths, jobs: Iterable[JobState], pods: Iterable[PodState]
) -> frozenset[tuple[str, Paths]]:
    notes = [("note of a Job", job.ignored) for job in jobs]
    reports = [("report", pod.ignored) for pod in pods]
    found = [("status", of_status), *notes, *reports]
    return frozenset((document, paths) for document, paths in found if paths)


def read_status(pipeline: Manifest) -> tuple[PipelineStatus, Paths]:
    """The status, and its fields that this release does not know. A status that cannot be read at
    all is ignored, and derived anew from the world."""
    try:
        return PipelineStatus.read_what_fits(carried(pipeline.get("status") or {}))
    except ValidationError:
        return PipelineStatus(), ()


def read_target(pipeline: Manifest, site: Site, status: PipelineStatus) -> Target:
    metadata, memory = pipeline["metadata"], status.operator
    return Target(
        identity=Identity(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            cluster=site.cluster,
            adopt=_annotation(pipeline, ADOPT_ANNOTATION)[:LONGEST_UID],
        ),
        spec=read_spec(pipeline),
        images=site.images,
        allowed_hosts=site.allowed_hosts,
        outside=site.outside,
        pods=site.pods,
        kept_secrets=tuple(
            version.secret_key_ref for version in memory.kept if version.secret_key_ref
        ),
        postgres_restart=memory.recreated.postgres,
        redis_restart=memory.recreated.redis,
    )


def _annotation(pipeline: Manifest, name: str) -> str:
    return str((pipeline["metadata"].get("annotations") or {}).get(name, ""))

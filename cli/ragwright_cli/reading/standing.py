"""How a pipeline stands, in rows for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ragwright_cli.pipeline import Pipeline, moment
from ragwright_cli.reading.wrong import find_wrong
from ragwright_core.status import WaitingVersion

Row = tuple[str, str]


def headline(pipeline: Pipeline) -> str:
    """For example `docs in team: Ready`."""
    ready = pipeline.condition("Ready")
    if ready is None:
        word = "not looked at by an operator yet"
    elif ready.status == "True":
        word = "Ready"
    else:
        word = f"not ready ({ready.reason})"
    return f"{pipeline.names.name} in {pipeline.names.namespace}: {word}"


def rows(pipeline: Pipeline) -> list[Row]:
    return [*_spec(pipeline), *_versions(pipeline), *_rest(pipeline), *_wrong(pipeline)]


def _spec(pipeline: Pipeline) -> Iterator[Row]:
    if not pipeline.is_seen:
        yield "spec", f"the operator has not looked at generation {pipeline.generation} yet"
    if pipeline.is_suspended:
        yield "suspended", "nothing is built until suspend is false"
    if pipeline.pin is not None:
        yield "pinned", f"version {pipeline.pin}: nothing is built or swapped in meanwhile"


def _versions(pipeline: Pipeline) -> Iterator[Row]:
    status = pipeline.status
    index, progress = status.index, status.progress
    if live := index.live:
        counts = f"{live.documents} documents, {live.chunks} chunks"
        yield "live", f"version {live.number}: {counts}, since {moment(live.swapped_at)}"
    else:
        yield "live", "no version yet"
    if index.previous:
        yield "previous", f"version {index.previous.number}"
    if index.building or progress:
        number = f"version {index.building.number}" if index.building else "a version"
        text = f": {progress.text}" if progress else ""
        yield "building", f"{number}{text}"
    if index.waiting:
        yield "waiting", waits(pipeline, index.waiting)


def waits(pipeline: Pipeline, waiting: WaitingVersion) -> str:
    failed = ",".join(waiting.failed_gates)
    if failed:
        command = pipeline.command("approve", "--override", failed)
        return f"version {waiting.number} failed {failed}; to swap it in all the same: {command}"
    return f"version {waiting.number} is ready; to swap it in: {pipeline.command('approve')}"


def _rest(pipeline: Pipeline) -> Iterator[Row]:
    status = pipeline.status
    for source in status.sources:
        yield "source", f"{source.name} at {source.revision}, seen {moment(source.looked_at)}"
    if status.saved is not None:
        yield "saved", f"{status.saved} of the calls of models"
    if status.url:
        yield "url", status.url


def _wrong(pipeline: Pipeline) -> Iterator[Row]:
    for item in find_wrong(pipeline):
        yield "wrong", f"{item.what}: {item.cause} ({item.reason})"

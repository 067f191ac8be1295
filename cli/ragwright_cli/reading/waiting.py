"""Whether a reindex that was asked for has come to its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragwright_cli.pipeline import Pipeline
from ragwright_cli.reading.standing import waits
from ragwright_core.memory import Build
from ragwright_core.report import Reason
from ragwright_core.spec import REINDEX_ANNOTATION, trigger_fingerprint


@dataclass(frozen=True)
class Stage:
    """`words` are what happens, or what came of it. `done` of `total` documents are loaded, where
    they are counted."""

    state: Literal["waiting", "done", "failed"]
    words: str
    done: int = 0
    total: int | None = None

    @property
    def line(self) -> str:
        return f"{self.words} {self.done}/{self.total}" if self.total else self.words


def hindrance(pipeline: Pipeline) -> str:
    """Why what is asked for now is not built yet; empty if it is."""
    if pipeline.pin is not None:
        return f"nothing is built while version {pipeline.pin} is pinned; it is built afterwards"
    if pipeline.is_suspended:
        return "nothing is built while suspend is true; it is built afterwards"
    return ""


def stage(pipeline: Pipeline) -> Stage:
    """How far the build is that the present value of the annotation asks for."""
    trigger = trigger_fingerprint(pipeline.annotation(REINDEX_ANNOTATION))
    build = pipeline.status.operator.build
    if (held := hindrance(pipeline)) and (build is None or build.trigger != trigger):
        return Stage("failed", held)
    degraded = pipeline.condition("Degraded")
    if degraded and degraded.reason == "InvalidSpec" and pipeline.is_seen:
        return Stage("failed", degraded.message)
    if build is None or build.trigger != trigger:
        return Stage("waiting", "the operator has not begun yet")
    if build.outcome == "running":
        return _running(pipeline, build)
    return _failed(pipeline, build) if build.outcome == "failed" else _done(pipeline, build)


def _running(pipeline: Pipeline, build: Build) -> Stage:
    words = build.why if build.attempt == 1 else f"{build.why}, attempt {build.attempt}"
    progress = pipeline.status.progress
    if progress is None:
        return Stage("waiting", words)
    return Stage("waiting", f"{progress.phase}: {words}", progress.done, progress.total or None)


def _failed(pipeline: Pipeline, build: Build) -> Stage:
    message = build.message or build.failure
    if build.failure == Reason.GATE_FAILED or pipeline.says("Stalled", "True"):
        return Stage("failed", message)
    return Stage("waiting", f"attempt {build.attempt} failed and is repeated: {message}")


def _done(pipeline: Pipeline, build: Build) -> Stage:
    index = pipeline.status.index
    history = pipeline.status.history
    entry = next((item for item in history if item.started_at == build.started_at), None)
    told = f": {entry.message}" if entry and entry.message else ""
    if entry and entry.outcome == "unchanged":
        return Stage("done", f"nothing has changed{told}")
    if index.waiting and index.waiting.number == build.number:
        return Stage("done", waits(pipeline, index.waiting))
    if index.live and build.number is not None and index.live.number >= build.number:
        return Stage("done", f"version {index.live.number} is live{told}")
    return Stage("waiting", f"version {build.number} is about to be live")

"""One pipeline as the API server shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ragwright_cli.problems import CliError, UsageError
from ragwright_core.model import in_words
from ragwright_core.names import PipelineName
from ragwright_core.spec import RagPipelineSpec
from ragwright_core.status import Condition, PipelineStatus

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """`raw` is the whole object; `status` is what this release understands of its status."""

    names: PipelineName
    raw: Manifest
    status: PipelineStatus

    @property
    def generation(self) -> int:
        return int(self.raw["metadata"].get("generation", 0))

    @property
    def is_seen(self) -> bool:
        """Whether the operator has looked at the spec as it is now."""
        return self.status.observed_generation >= self.generation

    @property
    def pin(self) -> int | None:
        pin: int | None = group(self.raw.get("spec"), "reindex").get("pin")
        return pin

    @property
    def is_suspended(self) -> bool:
        return (self.raw.get("spec") or {}).get("suspend") is True

    def annotation(self, name: str) -> str:
        return str((self.raw["metadata"].get("annotations") or {}).get(name, ""))

    def condition(self, kind: str) -> Condition | None:
        return next((item for item in self.status.conditions if item.type == kind), None)

    def says(self, kind: str, status: str) -> bool:
        found = self.condition(kind)
        return found is not None and found.status == status

    def command(self, verb: str, *more: str) -> str:
        """A command of ours about this pipeline, to be pasted."""
        names = self.names
        return " ".join(["kubectl rag", verb, names.name, *more, "-n", names.namespace])


def group(spec: Any, name: str) -> Manifest:
    """A group of a raw spec; empty where there is none, or something else."""
    found = spec.get(name) if isinstance(spec, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def read_pipeline(raw: Manifest) -> Pipeline:
    metadata = raw["metadata"]
    try:
        status, _ = PipelineStatus.read_what_fits(raw.get("status") or {})
    except ValidationError:
        status = PipelineStatus()
    return Pipeline(PipelineName(metadata["namespace"], metadata["name"]), raw, status)


def only_one(found: Sequence[Manifest], namespace: str) -> Pipeline:
    """The pipeline that is meant where none is named."""
    names = sorted(item["metadata"]["name"] for item in found)
    if not names:
        raise CliError(
            f"there is no RagPipeline in namespace {namespace}; name another one with -n"
        )
    if len(names) > 1:
        raise UsageError(
            f"namespace {namespace} has {len(names)} pipelines, name one: {', '.join(names)}"
        )
    return read_pipeline(found[0])


def read_spec(raw: Manifest, whose: str) -> RagPipelineSpec:
    try:
        return RagPipelineSpec.model_validate(raw.get("spec") or {})
    except ValidationError as error:
        raise CliError(f"{whose}: {in_words(error)}") from None


def moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"

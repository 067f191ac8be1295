"""The world around one pipeline, read once and frozen. Pure: reading it is `effects/observe.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ragwright_core.model import Paths
from ragwright_core.names import PIPELINE_LABEL
from ragwright_core.report import IndexSummary
from ragwright_core.spec import RagPipelineSpec
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.notes import AttemptKey
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest, Target
from ragwright_operator.world.attempts import NONE, Attempt
from ragwright_operator.world.jobs import JobState
from ragwright_operator.world.pods import PodState

Key = tuple[str, str]  # kind and name


@dataclass(frozen=True)
class Observed:
    """`status` is the last persisted status; for memory, only `remember` and the decision whether a
    Job may be deleted read it. `trigger`, `approval` and `move` are the values of annotations.
    `documents` has a word for each ConfigMap of the sources that changes whenever it does.
    `summary` is None when the API does not say what is live. `ignored` are fields that this release
    does not know, by the document that holds them. `left_alone` are children that
    are not written now, because another hand undoes it, each with the stamp of its manifest."""

    target: Target
    generation: int
    trigger: str
    status: PipelineStatus
    documents: Mapping[str, str] = field(default_factory=dict)
    approval: str = ""
    move: str = ""
    schedule_written: datetime | None = None
    children: Mapping[Key, Manifest] = field(default_factory=dict)
    left_alone: Mapping[Key, str] = field(default_factory=dict)
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    pods: tuple[PodState, ...] = ()
    attempts: Mapping[AttemptKey, Attempt] = field(default_factory=dict)
    summary: IndexSummary | None = None
    ignored: frozenset[tuple[str, Paths]] = frozenset()

    @property
    def spec(self) -> RagPipelineSpec:
        return self.target.spec

    def pushes(self, known: Mapping[str, str]) -> dict[str, str]:
        """A word for each source with a webhook, which is another after each call of it; while the
        API does not say it, as it was known."""
        told = self.summary.pushes if self.summary else {}
        return {name: told.get(name, known.get(name, "")) for name in self.spec.webhooks}

    def attempt(self, request: str, number: int) -> Attempt:
        return self.attempts.get((request, number), NONE)


def key_of(manifest: Manifest) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


def volumes_of(existing: Manifest) -> list[Manifest]:
    """The volumes of a controller's pods. Of an object that no pipeline owns yet, only the metadata
    is known."""
    template = (existing.get("spec") or {}).get("template") or {}
    return (template.get("spec") or {}).get("volumes") or []


def is_ours(existing: Manifest, target: Target) -> bool:
    """Whether an object has our labels and no other owner (an earlier pipeline of this name would
    be another owner)."""
    metadata = existing["metadata"]
    labels: dict[str, str] = metadata.get("labels") or {}
    owners: list[Any] = metadata.get("ownerReferences") or []
    controllers = {owner["uid"] for owner in owners if owner.get("controller")}
    return (
        labels.get(MANAGED_BY_LABEL) == MANAGED_BY
        and labels.get(PIPELINE_LABEL) == target.names.name
        and controllers <= {target.identity.uid}
    )

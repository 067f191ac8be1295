"""The world around one pipeline, read once and frozen. Pure: reading it is `effects/observe.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ragwright_core.handover import BuildOrder, SwapOrder
from ragwright_core.names import PIPELINE_LABEL
from ragwright_core.report import IndexSummary, Report
from ragwright_core.spec import RagPipelineSpec
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest, Target

Key = tuple[str, str]  # kind and name


@dataclass(frozen=True)
class Trouble:
    """Something is wrong: a reason for machines, and the cause and the next step for people."""

    reason: str
    message: str


@dataclass(frozen=True)
class PodState:
    """A pod as far as it matters; `secrets` are the (Secret, key) pairs that it mounts, `ended`
    that none of its containers runs or will."""

    name: str
    component: str
    job: str
    created: datetime
    ready: bool = False
    ended: bool = False
    secrets: frozenset[tuple[str, str]] = frozenset()
    trouble: Trouble | None = None
    report: Report | None = None


@dataclass(frozen=True)
class JobState:
    """A Job; `why` is what Kubernetes says about a failure."""

    name: str
    component: str
    created: datetime
    uid_label: str = ""
    outcome: Literal["complete", "failed"] | None = None
    why: str = ""
    order: BuildOrder | None = None
    swap: SwapOrder | None = None
    deleting: bool = False


@dataclass(frozen=True)
class Observed:
    """`trigger` and `approval` are the values of annotations; `summary` is None when the API does
    not say."""

    target: Target
    generation: int
    trigger: str
    status: PipelineStatus
    approval: str = ""
    children: Mapping[Key, Manifest] = field(default_factory=dict)
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    pods: tuple[PodState, ...] = ()
    summary: IndexSummary | None = None

    @property
    def spec(self) -> RagPipelineSpec:
        return self.target.spec

    def reports(self, job: str) -> list[Report]:
        return [pod.report for pod in self.pods if pod.job == job and pod.report]


def key_of(manifest: Manifest) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


def is_ours(existing: Manifest, target: Target) -> bool:
    """Whether an object carries our labels, and no one else (an earlier pipeline of this name
    included) owns it."""
    metadata = existing["metadata"]
    labels: dict[str, str] = metadata.get("labels") or {}
    owners: list[Any] = metadata.get("ownerReferences") or []
    controllers = {owner["uid"] for owner in owners if owner.get("controller")}
    return (
        labels.get(MANAGED_BY_LABEL) == MANAGED_BY
        and labels.get(PIPELINE_LABEL) == target.names.name
        and controllers <= {target.identity.uid}
    )

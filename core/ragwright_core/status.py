"""The status of a RagPipeline, for people and for the operator's own memory."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainSerializer

from ragwright_core.model import Model
from ragwright_core.report import Verdict
from ragwright_core.spec import SecretKey

MAX_HISTORY = 10


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]


class StatusModel(Model):
    """Unknown fields are left alone: a newer operator may have written them."""

    model_config = ConfigDict(extra="ignore")


ConditionType = Literal[
    "Ready", "IndexReady", "ApiAvailable", "CacheAvailable", "Reindexing", "Pinned", "Degraded"
]


class Condition(StatusModel):
    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = Field(description="The cause, then the next thing to do.")
    last_transition_time: Time
    observed_generation: int


class LiveVersion(StatusModel):
    """The version that answers questions."""

    number: int
    documents: int
    chunks: int
    shape: str = Field(description="Fingerprint of the settings it was built with.")
    source_revision: str
    embedding_fingerprint: str
    swapped_at: Time


class PreviousVersion(StatusModel):
    number: int


class BuildingVersion(StatusModel):
    number: int
    started_at: Time


class WaitingVersion(StatusModel):
    """A version that is built and not live: it waits for approval, or failed a gate."""

    number: int
    failed_gates: list[str] = Field(default=[])
    moved: list[str] = Field(
        default=[], description="Golden questions whose first source would be another."
    )


class Index(StatusModel):
    live: LiveVersion | None = None
    previous: PreviousVersion | None = None
    building: BuildingVersion | None = None
    waiting: WaitingVersion | None = None


class Judged(StatusModel):
    """What the gates said of the last version that was built."""

    number: int
    verdicts: list[Verdict]


class Progress(StatusModel):
    """How far a build is; `text` is what `kubectl get rag` shows."""

    phase: Literal["waiting", "load", "index"]
    done: int
    total: int
    text: str


BuildOutcome = Literal["swapped", "unchanged", "ready", "failed", "superseded"]


class HistoryEntry(StatusModel):
    """One attempt of a build: why it was made, and what came of it."""

    number: int | None = None
    attempt: int
    outcome: BuildOutcome
    why: str
    message: str
    failed_documents: list[str] = Field(default=[])
    warnings: list[str] = Field(default=[])
    embedded: int = Field(0, description="Chunks that were embedded for it.")
    reused: int = Field(0, description="Chunks whose vectors were there already.")
    seconds: dict[str, float] = Field(default={}, description="By phase: load, index, gates.")
    started_at: Time
    finished_at: Time


class LastSwap(StatusModel):
    milliseconds: float
    attempts: int
    at: Time


class SwapTask(StatusModel):
    """The latest swap apart from a build's own: asked for by a pin, an approval or a repair."""

    request: str = Field(description="Names its Jobs.")
    reason: Literal["Pinned", "NewestFits", "Approved", "RestoredFromKept", "Dropped"]
    number: int | None = None
    why: str
    attempt: int
    outcome: Literal["running", "done", "failed"]
    problem: str = Field("", description="Reason of the last failed attempt.")
    message: str = ""
    started_at: Time
    finished_at: Time | None = None


class Build(StatusModel):
    """The latest build, and what it was asked for: the operator's memory."""

    request: str = Field(description="Names its Jobs and its row in the database.")
    shape: str
    trigger: str = Field("", description="Fingerprint of the reindex annotation's value.")
    gates: str = Field("", description="Fingerprint of reindex.gates; they may be why it failed.")
    why: str
    attempt: int
    outcome: Literal["running", "done", "failed"]
    reason: str = Field("", description="Of the last failed attempt; empty once one ends well.")
    message: str = ""
    number: int | None = Field(None, description="Of the version it made or found, once known.")
    asked_at: Time | None = Field(None, description="When its documents were asked for.")
    started_at: Time
    finished_at: Time | None = None


class KeptVersion(StatusModel):
    """A version whose endpoint Secret stays mounted in the API's pods."""

    number: int
    secret_ref: SecretKey | None = None


class Recreated(StatusModel):
    """When a managed Secret had to be made anew; its server restarts to take the password."""

    postgres: Time | None = None
    redis: Time | None = None


class PipelineStatus(StatusModel):
    """Written by the operator, and only when something changed."""

    observed_generation: int = 0
    url: str = ""
    saved: str | None = Field(
        None,
        description="Share of the calls of models that answering takes, and that caches spared: "
        "since the index was first made, as text.",
    )
    conditions: list[Condition] = Field(
        default=[],
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    index: Index = Index()
    progress: Progress | None = None
    last_swap: LastSwap | None = None
    history: list[HistoryEntry] = Field(default=[], max_length=MAX_HISTORY)
    build: Build | None = None
    swap: SwapTask | None = None
    judged: Judged | None = None
    kept: list[KeptVersion] = Field(default=[])
    recreated: Recreated = Recreated()

"""The status of a RagPipeline, for people and for the operator's own memory."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, PlainSerializer, WithJsonSchema

from ragwright_core.model import Wire
from ragwright_core.report import Verdict
from ragwright_core.spec import SecretKey

MAX_HISTORY = 10

_PRESERVED = "x-kubernetes-preserve-unknown-fields"
# The schema does not name the fields, so that a release may change them.
_OPAQUE: dict[str, JsonValue] = {
    "type": "object",
    "description": "The operator's memory from round to round; it may change with any release.",
    _PRESERVED: True,
}


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]


ConditionType = Literal[
    "Ready", "IndexReady", "ApiAvailable", "CacheAvailable", "Reindexing", "Pinned", "Degraded"
]


class Condition(Wire):
    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = Field(description="The cause, then the next thing to do.")
    last_transition_time: Time
    observed_generation: int


class LiveVersion(Wire):
    """The version that answers questions."""

    number: int
    documents: int
    chunks: int
    shape: str = Field(description="Fingerprint of the settings it was built with.")
    source_revision: str
    embedding_fingerprint: str
    swapped_at: Time


class PreviousVersion(Wire):
    number: int


class BuildingVersion(Wire):
    number: int
    started_at: Time


class WaitingVersion(Wire):
    """A version that is built and not live: it waits for approval, or failed a gate."""

    number: int
    failed_gates: list[str] = Field(default=[])
    moved: list[str] = Field(
        default=[], description="Golden questions whose first source would be another."
    )


class Index(Wire):
    live: LiveVersion | None = None
    previous: PreviousVersion | None = None
    building: BuildingVersion | None = None
    waiting: WaitingVersion | None = None


class Judged(Wire):
    """What the gates said of the last version that was built."""

    number: int
    verdicts: list[Verdict]


class Progress(Wire):
    """How far a build is; `text` is what `kubectl get rag` shows."""

    phase: Literal["waiting", "load", "index"]
    done: int
    total: int
    text: str


BuildOutcome = Literal["swapped", "unchanged", "ready", "failed", "superseded"]


class HistoryEntry(Wire):
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


class LastSwap(Wire):
    milliseconds: float
    attempts: int
    at: Time


class SwapTask(Wire):
    """The latest swap apart from a build's own: asked for by a pin, an approval or a repair."""

    request: str = Field(description="Names its Jobs.")
    cause: str = Field(
        "",
        description="Why it was asked for: Pinned, NewestFits, Approved, RestoredFromKept or "
        "Dropped.",
    )
    number: int | None = None
    term: int | None = Field(None, description="The live term that it was planned on.")
    why: str
    attempt: int
    outcome: Literal["running", "done", "failed"]
    failure: str = Field("", description="Of the last failed attempt, in a word.")
    message: str = ""
    started_at: Time
    finished_at: Time | None = None


class Build(Wire):
    """The latest build, and what it was asked for: the operator's memory."""

    request: str = Field(description="Names its Jobs and its row in the database.")
    shape: str
    parts: dict[str, str] = Field(
        default={}, description="Fingerprints of the parts of the shape, to tell which one changed."
    )
    trigger: str = Field("", description="Fingerprint of the reindex annotation's value.")
    gates: str = Field("", description="Fingerprint of reindex.gates; they may be why it failed.")
    why: str
    attempt: int
    outcome: Literal["running", "done", "failed"]
    failure: str = Field(
        "", description="Of the last failed attempt, in a word; empty once one ends well."
    )
    message: str = ""
    number: int | None = Field(None, description="Of the version it made or found, once known.")
    asked_at: Time | None = Field(None, description="When its documents were asked for.")
    started_at: Time
    finished_at: Time | None = None


class KeptVersion(Wire):
    """A version whose endpoint Secret stays mounted in the API's pods."""

    number: int
    secret_key_ref: SecretKey | None = None


class Recreated(Wire):
    """When a managed Secret had to be made anew; its server restarts to take the password."""

    postgres: Time | None = None
    redis: Time | None = None


class StoreImages(Wire):
    """Images with which the managed stores got ready; a new default of the operator does not
    restart them."""

    postgres: str = ""
    redis: str = ""


class KnownSchedule(Wire):
    """A schedule, and since when it is written: no moment before that was missed."""

    line: str
    time_zone: str
    since: Time


class OperatorMemory(Wire):
    """What the operator must know in its next round, and nobody else need read."""

    build: Build | None = None
    swap: SwapTask | None = None
    kept: list[KeptVersion] = Field(default=[])
    recreated: Recreated = Recreated()
    schedule: KnownSchedule | None = None
    images: StoreImages = StoreImages()
    podless: dict[str, Time] = Field(
        default={}, description="Controllers that want a pod and have none, and since when."
    )


class PipelineStatus(Wire):
    """Written by the operator, and only when something changed."""

    # What another release wrote is not dropped: the operator reads it, or leaves it.
    model_config = ConfigDict(json_schema_extra={_PRESERVED: True})

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
    judged: Judged | None = None
    operator: Annotated[OperatorMemory, WithJsonSchema({**_OPAQUE})] = OperatorMemory()

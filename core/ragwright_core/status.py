"""The status of a RagPipeline, for people."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, WithJsonSchema

from ragwright_core.memory import OperatorMemory, Time
from ragwright_core.model import Wire
from ragwright_core.report import Verdict
from ragwright_core.spec import MAX_SOURCES

MAX_HISTORY = 10

_PRESERVED = "x-kubernetes-preserve-unknown-fields"
# The schema does not name the fields, so that a release may change them.
_OPAQUE: dict[str, JsonValue] = {
    "type": "object",
    "description": "The operator's memory from round to round; it may change with any release.",
    _PRESERVED: True,
}


ConditionType = Literal[
    "Ready",
    "IndexReady",
    "ApiAvailable",
    "CacheAvailable",
    "Reindexing",
    "Pinned",
    "Degraded",
    "Reconciling",
    "Stalled",
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

    @property
    def approval(self) -> str:
        """The annotation's value that approves it, and overrides the gates that it failed."""
        return " ".join([str(self.number), ",".join(self.failed_gates)]).strip()


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


class LookedAt(Wire):
    """A source as it was found when it was last looked at."""

    name: str
    revision: str
    looked_at: Time


class ApiPods(Wire):
    """What the scale subresource shows: `kubectl scale`, KEDA and autoscalers read it."""

    replicas: int
    selector: str = Field(description="The labels of the API pods, as a label selector.")


class LastSwap(Wire):
    milliseconds: float
    attempts: int
    at: Time


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
    api: ApiPods | None = None
    sources: list[LookedAt] = Field(default=[], max_length=MAX_SOURCES)
    index: Index = Index()
    progress: Progress | None = None
    last_swap: LastSwap | None = None
    history: list[HistoryEntry] = Field(default=[], max_length=MAX_HISTORY)
    judged: Judged | None = None
    operator: Annotated[OperatorMemory, WithJsonSchema({**_OPAQUE})] = OperatorMemory()

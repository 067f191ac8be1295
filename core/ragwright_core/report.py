"""A Job's report, which is its pod's termination message (JSON, at most 4 KiB)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ragwright_core.model import Wire
from ragwright_core.spec import MAX_SOURCES

MAX_BYTES = 4096
MAX_MESSAGE = 700


class Reason(StrEnum):
    """Why a Job failed; the same words stand in conditions and events."""

    SECRET_MISSING = "SecretMissing"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    SOURCE_UNAUTHORIZED = "SourceUnauthorized"
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_EMPTY = "SourceEmpty"
    SOURCE_CHANGED = "SourceChanged"
    DATABASE_UNAVAILABLE = "DatabaseUnavailable"
    DATABASE_FORBIDDEN = "DatabaseForbidden"
    DATABASE_REFUSED = "DatabaseRefused"
    DATABASE_ENCODING = "DatabaseEncoding"
    EXTENSION_MISSING = "ExtensionMissing"
    EXTENSION_TOO_OLD = "ExtensionTooOld"
    SCHEMA_OWNED = "SchemaOwned"
    LAYOUT_TOO_NEW = "LayoutTooNew"
    EMBEDDING_UNAVAILABLE = "EmbeddingUnavailable"
    EMBEDDING_REJECTED = "EmbeddingRejected"
    EMBEDDING_CHANGED = "EmbeddingChanged"
    GATE_FAILED = "GateFailed"
    VERSION_GONE = "VersionGone"
    STALE_TERM = "StaleTerm"
    SUPERSEDED = "Superseded"
    INTERNAL = "Internal"


class Problem(Wire):
    """A failure in words: the cause first, then what to do next. Never holds a secret. The reason
    may be a word of a newer release; it is shown as it is."""

    reason: Annotated[Reason | str, Field(union_mode="left_to_right")]
    message: Annotated[str, AfterValidator(lambda text: text[:MAX_MESSAGE])] = ""


class Counts(Wire):
    documents: int = 0
    failed: int = 0
    chunks: int = 0
    embedded: int = 0
    reused: int = 0


class Changes(Wire):
    """How the documents differ from the live version's."""

    changed: int = 0
    new: int = 0
    gone: int = 0


class Swap(Wire):
    milliseconds: float
    attempts: int = 1


class Verdict(Wire):
    """One gate: what it wants and what it got, in words that a condition can show."""

    gate: str
    ok: bool
    want: str = ""
    got: str = ""


Outcome = Literal[
    "loaded", "unchanged", "ready", "swapped", "dropped", "cleaned", "failed", "unknown"
]


class Report(Wire):
    """The result of a Job.

    outcome: `loaded` (load done, the index step comes next), `unchanged` (same documents and
    settings as the live version, nothing was built), `ready` (built, and waits for approval),
    `swapped`, `dropped` (only dropped what is kept no longer), `cleaned` or `failed`; `unknown`
    where another release wrote a word that this one does not know.
    """

    outcome: Outcome = "unknown"
    number: int | None = None
    previous: int | None = None
    shape: str = ""
    source_revision: str = ""
    revisions: dict[str, str] = Field(default={}, description="By the source's name.")
    embedding_fingerprint: str = ""
    counts: Counts = Counts()
    changes: Changes = Changes()
    failed_documents: list[str] = Field(default=[], description="The first few, with the cause.")
    warnings: list[str] = Field(default=[])
    seconds: dict[str, float] = Field(default={}, description="Per phase: load, index, gates.")
    verdicts: list[Verdict] = Field(default=[], description="Of every gate, once judged.")
    moved: list[str] = Field(
        default=[],
        description="Golden questions whose first source is another than the live version's.",
    )
    swap: Swap | None = None
    problem: Problem | None = None

    def message(self) -> bytes:
        """JSON of at most MAX_BYTES. If it is too long, the names of failed documents are left out
        first, then what moved, then explanatory texts. Each gate's verdict stays, because an
        approval depends on it."""
        for report in self._shorter():
            if len(encoded := report.model_dump_json(exclude_defaults=True).encode()) <= MAX_BYTES:
                return encoded
        raise AssertionError("an outcome, a reason and the names of gates fit")

    def _shorter(self) -> Iterator[Report]:
        for kept in range(len(self.failed_documents), -1, -1):
            yield (
                report := self.model_copy(update={"failed_documents": self.failed_documents[:kept]})
            )
        yield (report := report.model_copy(update={"moved": []}))
        brief = [item.model_copy(update={"want": "", "got": ""}) for item in self.verdicts]
        yield (report := report.model_copy(update={"verdicts": brief}))
        problem = self.problem
        if problem is not None:
            problem = problem.model_copy(update={"message": "see the Job's log"})
        yield report.model_copy(
            update={
                "warnings": [],
                "source_revision": "",
                "revisions": {},
                "seconds": {},
                "problem": problem,
            }
        )


class LiveVersionSummary(Wire):
    """The live version, as the API's internal port describes it (`GET /index`)."""

    number: int
    term: int
    shape: str
    source_revision: str = ""
    embedding_fingerprint: str = ""
    documents: int = 0
    chunks: int = 0
    swapped_at: str
    intact: bool = Field(default=True, description="Whether its tables are there.")


class OtherVersion(Wire):
    """A version beside the live one. It can be swapped in if its state is `ready` or `kept`. A
    state that only a newer release knows is ignored."""

    number: int
    state: str
    shape: str
    intact: bool = True


class Building(Wire):
    number: int
    phase: str = "load"
    done: int = 0
    total: int = 0


class Calls(Wire):
    """Calls of models to answer questions (of the language model, and texts embedded) since the
    pipeline's schema was made: those made, and those that caches saved."""

    made: int = 0
    saved: int = 0


# A word that changes with each push, as the API says it of a source.
PushWord = Annotated[str, Field(max_length=64)]


class IndexSummary(Wire):
    """Body of `GET /index` on port 8001. `pipeline` is the uid of the pipeline, which the operator
    asks for: any pod could have replied."""

    pipeline: str = ""
    term: int | None = Field(
        default=None,
        description="How often there was a swap, also if no version is live now. An API of an "
        "earlier release tells it only of a live version.",
    )
    live: LiveVersionSummary | None = None
    previous: int | None = None
    building: Building | None = None
    others: list[OtherVersion] = Field(default=[], description="Newest first.")
    calls: Calls | None = None
    pushes: dict[str, PushWord] = Field(
        default={},
        max_length=MAX_SOURCES,
        description="For each source whose webhook was called: a word that is another after each "
        "call.",
    )
    embedding_cosine: float | None = Field(
        default=None,
        description="Lowest cosine of the descriptor's sentences, embedded again, and their "
        "vectors of the day of the build; None while not checked.",
    )

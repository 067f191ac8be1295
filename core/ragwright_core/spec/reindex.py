"""When and how the index is rebuilt, and who lets it go live."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ragwright_core.model import Model
from ragwright_core.schedule import checked_schedule, checked_time_zone
from ragwright_core.spec.duration import Interval
from ragwright_core.spec.fields import rule, rules
from ragwright_core.spec.stores import Resources, resources

Schedule = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(checked_schedule)]
TimeZone = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(checked_time_zone)]


class GoldenQuestion(Model):
    """A question whose answer is known to stand in one document."""

    question: str = Field(min_length=1, max_length=500)
    source: str = Field(
        min_length=1,
        max_length=500,
        description="Path or URL of a document that must be among the first retrieval.topK.",
    )


class Gates(Model):
    model_config = rules(
        rule(
            "self.maxShrink < 100 && self.maxFailedDocuments < 100",
            "100 % would allow an index without a chunk, which is never swapped in: write 99 or "
            "less for maxShrink and maxFailedDocuments",
        )
    )

    max_shrink: int = Field(20, ge=0, le=100, description="Percent of chunks that may be lost.")
    max_failed_documents: int = Field(1, ge=0, le=100, description="Percent of documents.")
    min_recall: int = Field(
        95, ge=0, le=100, description="Percent of the 10 nearest chunks that the ANN index finds."
    )
    golden_questions: list[GoldenQuestion] = Field(
        default=[],
        max_length=50,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["question"],
        },
    )


class Reindex(Model):
    keep: int = Field(
        1, ge=0, le=10, description="Versions kept beside the live one; fewer are dropped at once."
    )
    gates: Gates = Gates()
    approval: Literal["Automatic", "Manual"] = Field(
        "Automatic", description="`Manual`: a version that is ready waits for an annotation."
    )
    pin: int | None = Field(
        None,
        ge=1,
        le=2_147_483_647,
        description="Keep this version live; nothing is built or swapped in meanwhile.",
    )
    schedule: Schedule | None = Field(
        None,
        description="Cron line of five fields, or @hourly, @nightly (02:00), @daily, @weekly, "
        "@monthly.",
    )
    time_zone: TimeZone = Field("Etc/UTC", description="IANA name, for the schedule.")
    poll_interval: Interval = Field(
        "1h",
        description="How often sources that nothing watches (git) are looked at: 15m, 1h30m; 0 for "
        "never. When their revisions are unchanged, nothing is built.",
    )


class Ingest(Model):
    parallelism: int = Field(2, ge=1, le=50, description="Pods that load documents.")
    index_workers: int = Field(
        0,
        ge=0,
        le=16,
        description="Further processes that the server may use for an index build. More than 0 is "
        "faster, and felt by those who search meanwhile.",
    )
    deadline_seconds: int = Field(
        86_400,
        ge=60,
        le=604_800,
        description="A Job that takes longer is stopped; the next attempt goes on where it was.",
    )
    resources: Resources = resources("250m", "512Mi", "1", "1Gi")

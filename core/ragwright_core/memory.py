"""What the operator remembers of a pipeline from round to round, in its status."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from ragwright_core.model import Wire
from ragwright_core.spec import SecretKey


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]


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
    documents: dict[str, str] = Field(
        default={}, description="A word for each ConfigMap of the sources, as the build found it."
    )
    pushes: dict[str, str] = Field(
        default={}, description="A word for each source whose webhook was called, likewise."
    )
    gates: str = Field("", description="Fingerprint of reindex.gates; they may be why it failed.")
    why: str
    poll: bool = Field(default=False, description="Only a look whether documents have changed.")
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


class ChangedDocuments(Wire):
    """Documents are known to have changed since the last build looked at them."""

    since: Time
    last: Time = Field(description="When they changed last.")
    word: str = Field(description="Fingerprint of what is known of them.")


class OperatorMemory(Wire):
    """What the operator must know in its next round, and nobody else need read."""

    build: Build | None = None
    swap: SwapTask | None = None
    kept: list[KeptVersion] = Field(default=[])
    recreated: Recreated = Recreated()
    schedule: KnownSchedule | None = None
    changed: ChangedDocuments | None = None
    images: StoreImages = StoreImages()
    podless: dict[str, Time] = Field(
        default={}, description="Controllers that want a pod and have none, and since when."
    )

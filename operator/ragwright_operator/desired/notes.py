"""Notes that say what a Job was made for. The operator writes them on the Job, so that it finds
them again after it was killed; the Job's programs do not read them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field

from ragwright_core.memory import Time
from ragwright_core.model import Paths, Wire
from ragwright_core.spec import SecretKey
from ragwright_operator.desired.annotations import NOTE
from ragwright_operator.desired.target import Manifest

AttemptKey = tuple[str, int]  # request and attempt


class _Note(Wire):
    request: str
    attempt: int
    why: str = ""
    at: Time

    @property
    def key(self) -> AttemptKey:
        return self.request, self.attempt


class BuildNote(_Note):
    """One attempt of a build. `documents` tell the ConfigMaps it reads from changed ones, and
    `pushes` the sources whose webhook has been called since. `secret_key` is the key of its
    embedding endpoint, which stays mounted while the version is kept."""

    shape: str = ""
    parts: dict[str, str] = Field(default={})
    trigger: str = ""
    documents: dict[str, str] = Field(default={})
    pushes: dict[str, str] = Field(default={})
    poll: bool = False
    gates: str = ""
    secret_key: SecretKey | None = None


class SwapNote(_Note):
    """One attempt of a swap. If `number` is None, the Job only drops versions that are no longer
    kept. `term` is the live term that it was planned on."""

    cause: str
    number: int | None = None
    term: int | None = None


Note = BuildNote | SwapNote
Kind = TypeVar("Kind", BuildNote, SwapNote)


def read_note(job: Manifest, kind: type[Kind]) -> tuple[Kind | None, Paths]:
    """The note, and its fields that this release does not know."""
    text = (job["metadata"].get("annotations") or {}).get(NOTE, "")
    try:
        return kind.read(text)
    except ValueError:
        return None, ()

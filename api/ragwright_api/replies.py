"""A question on its way, and what is told in reply."""

from __future__ import annotations

from dataclasses import dataclass, field

from ragwright_api.budget import Budget
from ragwright_api.lease import Lease
from ragwright_api.search import Found
from ragwright_api.stored import Stored
from ragwright_core.filters import Filter

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Question:
    """`request` is the body it came in; `head_at`: when the request's head was read, in seconds of
    the lease's clock; `budget`: what is left of it, where Redis has been asked for its answer and
    has none."""

    text: str
    filters: Filter
    use_cache: bool
    head_at: float
    request: bytes
    budget: Budget | None = None


@dataclass(frozen=True)
class Result:
    """`shared`: another replica has computed it meanwhile."""

    stored: Stored
    from_cache: bool
    shared: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer, what it was made from, and the seconds that each part took. `key` is its place in
    Redis; `stale_seconds`: how long ago its version was known to be live, where that is longer than
    a lease."""

    result: Result
    lease: Lease
    key: str
    seconds: dict[str, float]
    stale_seconds: float | None = None

    @property
    def body(self) -> bytes:
        stored, from_cache = self.result.stored, self.result.from_cache
        return stored.reply(self.seconds["total"], from_cache=from_cache)

    @property
    def headers(self) -> Headers:
        """What else there is to tell of where the answer comes from."""
        told = told_of(self.lease)
        if self.stale_seconds is None:
            return told
        return (*told, ("X-Ragwright-Stale-Seconds", f"{self.stale_seconds:.0f}"))


@dataclass(frozen=True)
class Chunks:
    """Retrieved chunks as a body, and the seconds that each part took."""

    body: bytes
    lease: Lease
    seconds: dict[str, float]

    @property
    def headers(self) -> Headers:
        return told_of(self.lease)


def told_of(lease: Lease) -> Headers:
    """Version and term, for a reply's headers."""
    assert lease.version is not None, "nothing is told without a version"
    return (
        ("X-Ragwright-Version", str(lease.version.number)),
        ("X-Ragwright-Term", str(lease.term)),
    )


def chunk_fields(found: Found) -> dict[str, str | int | float]:
    """A chunk as POST /api/rag/retrieve shows it."""
    return {
        "source": found.reference,
        "title": found.title,
        "text": found.text,
        "first_line": found.first_line,
        "last_line": found.last_line,
        "score": found.score,
    }

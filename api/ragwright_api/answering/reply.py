"""The reply to a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragwright_api.caching.codec import Stored
from ragwright_api.index.lease import LiveVersion

Origin = Literal["made", "cached", "another replica"]


@dataclass(frozen=True)
class Reply:
    """An answer, the version it was made from, and the seconds that each part took. `key` is its
    key in Redis. `stale_seconds` is how long ago its version was known to be live, if that is
    longer than a lease."""

    stored: Stored
    version: LiveVersion
    key: str
    origin: Origin
    seconds: Mapping[str, float] = field(default_factory=dict)
    stale_seconds: float | None = None

    @property
    def from_cache(self) -> bool:
        return self.origin != "made"

"""Durations as Go and Kubernetes' tools write them: 90s, 15m, 1h30m."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from ragwright_core.spec.fields import int_or_string, rule

_FORM = "([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?"
_PARTS = re.compile("(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s)?")
_LONGEST = 20
_SHORTEST = timedelta(minutes=1)
_ADVICE = "write a duration of at least a minute, such as 15m or 1h30m, or 0 for never"
_VALID = (
    "type(self) == int ? self == 0 : self in ['0', '0s'] || "
    f"(self.matches('^{_FORM}$') && self != '' && duration(self) >= duration('1m'))"
)


def length(duration: str) -> timedelta:
    """Raises ValueError."""
    found = _PARTS.fullmatch("0s" if duration == "0" else duration)
    if found is None or not duration:
        raise ValueError(f"{duration[:_LONGEST]!r} is not a duration: {_ADVICE}")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _read(written: Any) -> Any:
    """YAML reads `pollInterval: 0` as a number."""
    if isinstance(written, int) and not isinstance(written, bool) and written == 0:
        written = "0"
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is not a duration: {_ADVICE}")
    if timedelta() < length(written) < _SHORTEST:
        raise ValueError(f"{written!r} is too short: {_ADVICE}")
    return written


Interval = Annotated[
    str,
    BeforeValidator(_read),
    int_or_string(_LONGEST, rule(_VALID, _ADVICE)),
]

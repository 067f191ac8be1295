"""How long to wait before another try."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_FIRST_SECONDS, _LONGEST_SECONDS = 0.2, 3.0


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The seconds that an endpoint asks to wait: in milliseconds, seconds, or as a date."""
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    if (seconds := _number(asked)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(asked).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, date - (now or time.time()))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def pause(failures: int, asked: float | None) -> float:
    """The seconds to wait after so many failures: what was asked and a little, else more each time,
    so that clients that failed together do not come back together."""
    if asked is not None:
        return asked + random.uniform(0.0, 0.1)
    longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**failures)
    return random.uniform(0.5, 1.0) * longest

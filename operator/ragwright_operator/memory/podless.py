"""Remembers since when a controller has had no pod. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ragwright_operator.world.observed import Observed
from ragwright_operator.world.podless import find_podless

# Every controller is without a pod at first, and a status is not written for that.
SETTLING = timedelta(seconds=5)


def remember_podless(
    observed: Observed, known: Mapping[str, datetime], now: datetime
) -> dict[str, datetime]:
    return {
        found.key: found.created if found.is_first else known.get(found.key, now)
        for found in find_podless(observed)
        if now - found.created >= SETTLING
    }

"""When documents that nothing watches are looked at. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ragwright_core.memory import Build
from ragwright_core.model import fingerprint
from ragwright_core.spec.duration import length
from ragwright_operator.world.observed import Observed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A look that could not be had by then is not made up, for the next one comes: else all pipelines
# would look at once after an operator was away.
PATIENCE = timedelta(minutes=2)


def polled(observed: Observed, last: Build, now: datetime) -> str:
    """Whether it is time to look at the documents, in words."""
    moment = _last_moment(observed, now)
    if moment is None or now - moment > PATIENCE or moment <= (last.asked_at or last.started_at):
        return ""
    return f"documents are looked at every {observed.spec.reindex.poll_interval}"


def next_poll(observed: Observed, now: datetime) -> datetime | None:
    moment = _last_moment(observed, now)
    return None if moment is None else moment + length(observed.spec.reindex.poll_interval)


def _last_moment(observed: Observed, now: datetime) -> datetime | None:
    """The latest moment at or before `now`, which depends on the pipeline, so that a thousand of
    them do not look at once. None where all sources are watched, or none is to be looked at."""
    interval = length(observed.spec.reindex.poll_interval)
    if not interval or not observed.spec.is_polled:
        return None
    share = int(fingerprint(observed.target.identity.uid)[:8], 16) / 0x1_0000_0000
    first = _EPOCH + timedelta(seconds=int(share * interval.total_seconds()))
    return now - (now - first) % interval

"""Cron lines with a time zone: whether they are valid, and when they were due last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_NAMED = {
    "@hourly": "0 * * * *",
    "@nightly": "0 2 * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}


def checked_schedule(schedule: str) -> str:
    """Return the schedule if it is valid, else raise a ValueError that says what to write."""
    try:
        CronSim(_NAMED.get(schedule, schedule), datetime.now(UTC))
        if len(_NAMED.get(schedule, schedule).split()) == 5:
            return schedule
    except CronSimError:
        pass
    raise ValueError(
        f"{schedule!r} is not a schedule: write five fields (minute, hour, day of month, month, "
        f"day of week), for example '30 2 * * *', or one of {', '.join(_NAMED)}"
    )


def checked_time_zone(name: str) -> str:
    """Return the name if it is valid, else raise a ValueError that says what to write."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is not a time zone: write an IANA name, for example Europe/Berlin or Etc/UTC"
        ) from None
    return name


def last_due(schedule: str, time_zone: str, now: datetime) -> datetime | None:
    """The latest moment at or before `now` that the schedule names, or None if there was none in
    the years that are searched. An hour that a clock change skips or repeats is due once."""
    # The search is strictly before its start, and what is due in this very second must count.
    found = _first(schedule, time_zone, now + timedelta(seconds=1), backwards=True)
    # In an hour that is repeated, a search backwards does not see the moments of its first pass.
    while found is not None:
        following = next_due(schedule, time_zone, found)
        if following is None or not found < following <= now:
            break
        found = following
    return found


def next_due(schedule: str, time_zone: str, now: datetime) -> datetime | None:
    """The first moment after `now`."""
    return _first(schedule, time_zone, now, backwards=False)


def _first(schedule: str, time_zone: str, begin: datetime, *, backwards: bool) -> datetime | None:
    local = begin.replace(microsecond=0).astimezone(ZoneInfo(time_zone))
    found = next(CronSim(_NAMED.get(schedule, schedule), local, reverse=backwards), None)
    return None if found is None else found.astimezone(UTC)

"""The differences between the spec and the last one that was built, in words. Pure."""

from __future__ import annotations

from ragwright_core.status import Build
from ragwright_operator.desired.notes import BuildNote

MOST_NAMED = 3


def changes(last: Build, note: BuildNote) -> str:
    """For example `the spec changed: chunking.maxCharacters, sources[handbook]`."""
    before, after = last.parts, note.parts
    paths = [path for path in {**after, **before} if before.get(path) != after.get(path)]
    if not before or not paths:  # memory of an older release; another order of the sources
        return "the spec changed"
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return f"the spec changed: {', '.join(paths[:MOST_NAMED])}{more}"

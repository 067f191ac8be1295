"""What differs from the last build, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragwright_core.memory import Build
from ragwright_operator.desired.notes import BuildNote

MOST_NAMED = 3


def changes(last: Build, note: BuildNote) -> str:
    """For example `the spec changed: chunking.maxCharacters, sources[handbook]`."""
    paths = _different(last.parts, note.parts)
    if not last.parts or not paths:  # memory of an older release; another order of the sources
        return "the spec changed"
    return f"the spec changed: {_listed(paths)}"


def changed_documents(last: Build, note: BuildNote) -> str:
    """For example `documents changed: ConfigMap handbook; webhook of manual`."""
    maps = _different(last.documents, note.documents)
    sources = [name for name in note.pushes if last.pushes.get(name) != note.pushes[name]]
    told = [f"ConfigMap {_listed(maps)}"] if maps else []
    told += [f"webhook of {_listed(sources)}"] if sources else []
    return f"documents changed: {'; '.join(told)}"


def _different(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [key for key in {**after, **before} if before.get(key) != after.get(key)]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"

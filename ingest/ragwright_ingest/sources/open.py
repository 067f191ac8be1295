"""Opens a source of any kind."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Source
from ragwright_ingest import sources
from ragwright_ingest.sources.base import OpenSource
from ragwright_ingest.surroundings import Surroundings

Opener = Callable[[Source, Surroundings, str | None], OpenSource]


def opener(kind: str, package: str = sources.__name__) -> Opener:
    """The function that opens sources of a kind: `open_source` of the module named after the
    kind."""
    name = f"{package}.{kind.lower()}"
    try:
        found: Opener = import_module(name).open_source
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ProblemError(
            Reason.INTERNAL,
            f"this release cannot read sources of the kind {kind}: use an operator and an image of "
            "the same release",
        ) from None
    return found


def open_source(source: Source, around: Surroundings, revision: str | None) -> OpenSource:
    """Open a source. `revision` pins the revision of an earlier listing. Raises ProblemError."""
    return opener(source.kind)(source, around, revision)


class OpenSources:
    """Opens each source only once, so that the worker that listed a repository does not clone it
    again."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._opened: dict[str, OpenSource] = {}

    def open(self, source: Source, revision: str | None) -> OpenSource:
        if source.name not in self._opened:
            self._opened[source.name] = open_source(source, self._around, revision)
        return self._opened[source.name]

    def close(self) -> None:
        for source in self._opened.values():
            source.close()

"""Opens a source of whichever kind the spec names."""

from __future__ import annotations

from pathlib import Path

from ragwright_core.spec import Source
from ragwright_ingest.sources.base import OpenSource
from ragwright_ingest.sources.configmap import ConfigMapFolder
from ragwright_ingest.sources.git import GitRepository


def open_source(
    source: Source, *, scratch: Path, secrets: Path, mounted: Path, revision: str | None = None
) -> OpenSource:
    """`revision` pins what an earlier listing saw. Raises ProblemError."""
    if source.git is not None:
        return GitRepository(source, scratch / source.name, secrets, revision)
    return ConfigMapFolder(source, mounted / source.name)

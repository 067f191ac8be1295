"""Opens a source of whichever kind the spec names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragwright_core.spec import Source
from ragwright_ingest.settings import PATIENCE_SECONDS
from ragwright_ingest.sources.base import OpenSource
from ragwright_ingest.sources.configmap import ConfigMapFolder
from ragwright_ingest.sources.git import GitRepository, read_login


@dataclass(frozen=True)
class Folders:
    """Where a Job finds what is mounted for it, and where it may write; `patience` is the longest
    wait for what is mounted, in seconds."""

    scratch: Path
    secrets: Path
    sources: Path
    patience: float = PATIENCE_SECONDS

    def open(self, source: Source, revision: str | None) -> OpenSource:
        """`revision` pins what an earlier listing saw. Raises ProblemError."""
        if source.git is not None:
            login = read_login(source.git, self.secrets, self.patience)
            return GitRepository(source, self.scratch / source.name, login, revision)
        return ConfigMapFolder(source, self.sources / source.name, self.patience)


class OpenSources:
    """Sources opened once: the worker that listed a repository need not clone it again."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._opened: dict[str, OpenSource] = {}

    def open(self, source: Source, revision: str | None) -> OpenSource:
        if source.name not in self._opened:
            self._opened[source.name] = self._folders.open(source, revision)
        return self._opened[source.name]

    def close(self) -> None:
        for source in self._opened.values():
            source.close()

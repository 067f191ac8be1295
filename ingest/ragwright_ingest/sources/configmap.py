"""A ConfigMap that is mounted as a folder. Each key is a document."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Source
from ragwright_ingest.sources.base import Listed, Listing, digest
from ragwright_ingest.sources.globs import left_out, wanted
from ragwright_ingest.surroundings import Surroundings


def open_source(source: Source, around: Surroundings, revision: str | None) -> ConfigMapFolder:  # noqa: ARG001 - a ConfigMap has no history
    folders = around.folders
    return ConfigMapFolder(source, folders.sources / source.name, folders.patience)


class ConfigMapFolder:
    """Each pod mounts its own copy, which follows changes at its own pace, so that every read must
    be verified.

    `patience` is how many seconds a copy may lag behind.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        patience: float,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source
        self._folder = folder
        self._patience = patience
        self._pause = pause

    def list(self) -> Listing:
        if not self._until(lambda: bool(self._files())):
            raise ProblemError(Reason.SOURCE_NOT_FOUND, self._missing())
        documents = []
        for file in self._files():
            if wanted(file.name, self._source.include, self._source.exclude):
                content = file.read_bytes()
                documents.append(Listed(file.name, digest(content), len(content)))
        left = left_out((file.name for file in self._files()), self._source.include)
        if not documents:
            raise ProblemError(Reason.SOURCE_EMPTY, self._empty(left))
        revision = digest("".join(f"{doc.path}{doc.mark}" for doc in documents).encode())
        return Listing(f"configMap {revision[:12]}", tuple(documents), left)

    def read(self, path: str, mark: str) -> bytes:
        found = b""

        def is_listed() -> bool:
            nonlocal found
            file = self._folder / path
            found = file.read_bytes() if file.exists() else b""
            return digest(found) == mark

        if not self._until(is_listed):
            raise ProblemError(
                Reason.SOURCE_CHANGED,
                f"{path} of source {self._source.name} changed while it was loaded; "
                "the next attempt lists it anew",
            )
        return found

    def close(self) -> None:
        pass

    def _until(self, holds: Callable[[], bool]) -> bool:
        ends_at = time.monotonic() + self._patience
        while not holds():
            if time.monotonic() >= ends_at:
                return False
            self._pause(1.0)
        return True

    def _files(self) -> tuple[Path, ...]:
        # Names that begin with a dot belong to the kubelet: `..data` and its target.
        found = (file for file in self._folder.glob("*") if not file.name.startswith("."))
        return tuple(sorted(file for file in found if file.is_file()))

    @property
    def _name(self) -> str:
        assert self._source.config_map is not None
        return self._source.config_map.name

    def _missing(self) -> str:
        return (
            f"source {self._source.name} has no documents: ConfigMap {self._name} does not exist "
            f"or is empty: kubectl create configmap {self._name} --from-file=FOLDER"
        )

    def _empty(self, left: str) -> str:
        return (
            f"source {self._source.name} is empty: no key of ConfigMap {self._name} matches "
            f"{', '.join(self._source.include)} ({left}): correct include and exclude"
        )

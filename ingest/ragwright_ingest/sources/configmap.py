"""A ConfigMap, mounted as a folder: one key, one document."""

from __future__ import annotations

from pathlib import Path

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Source
from ragwright_ingest.sources.base import Listed, Listing, digest, wanted


class ConfigMapFolder:
    """Each pod mounts its own copy, which may be newer than the listing: reading verifies."""

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder

    def list(self) -> Listing:
        documents = []
        for file in sorted(self._folder.glob("*")):
            included = wanted(file.name, self._source.include, self._source.exclude)
            if included and not file.name.startswith(".") and file.is_file():
                content = file.read_bytes()
                documents.append(Listed(file.name, digest(content), len(content)))
        if not documents:
            raise ProblemError(Reason.SOURCE_EMPTY, self._empty())
        revision = digest("".join(f"{doc.path}{doc.hash}" for doc in documents).encode())
        return Listing(f"configMap {revision[:12]}", tuple(documents))

    def read(self, path: str, expected_hash: str) -> bytes:
        try:
            content = (self._folder / path).read_bytes()
        except FileNotFoundError:
            content = b""
        if digest(content) != expected_hash:
            raise ProblemError(
                Reason.SOURCE_CHANGED,
                f"{path} of source {self._source.name} changed while it was loaded; "
                "the next attempt lists it anew",
            )
        return content

    def _empty(self) -> str:
        assert self._source.config_map is not None
        return (
            f"source {self._source.name} is empty: ConfigMap {self._source.config_map.name} does "
            f"not exist, or no key matches {', '.join(self._source.include)}"
        )

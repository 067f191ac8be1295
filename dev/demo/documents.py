"""The demo's documents: a real documentation set of some hundred files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dulwich import porcelain
from dulwich.repo import Repo

from dev.cluster.base import cache_folder
from dev.demo.judge import stamp

PACKAGE = "django==5.2.8"
PACKAGE_HASH = "sha256:23254866a5bb9a2cfa6004e8b809ec6246eba4b58a7589bc2772f1bcc8456c7f"
HEADING = re.compile(r"^(?:# *)?(\w.{6,})\n[=~*-]{6,}$", re.MULTILINE)
SUFFIXES = {".txt", ".rst", ".md"}


@dataclass(frozen=True)
class Document:
    path: str
    text: str


def _download(folder: Path) -> Path:
    """The source distribution, with its hash checked by pip; downloaded once."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := list(folder.glob("django-*.tar.gz"))):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
            requirements.write(f"{PACKAGE} --hash={PACKAGE_HASH}\n")
            requirements.flush()
            pip = ["uv", "tool", "run", "pip", "download", "--quiet", "--no-deps"]
            chosen = ["--no-binary", ":all:", "--requirement", requirements.name]
            subprocess.run([*pip, *chosen, "--dest", str(folder)], check=True)
        found = list(folder.glob("django-*.tar.gz"))
    return found[0]


def read_documents(environment: Mapping[str, str]) -> list[Document]:
    """The files below DOCS=path, else Django's documentation from its source distribution."""
    if chosen := environment.get("DOCS"):
        root = Path(chosen)
        files = sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES)
        if not files:
            sys.exit(f"DOCS={chosen} holds no .md, .rst or .txt file: name a folder that does")
        return [
            Document(str(path.relative_to(root)), path.read_text(errors="replace"))
            for path in files
        ]
    with tarfile.open(_download(cache_folder() / "documents")) as archive:
        documents = []
        for member in archive:
            _, _, path = member.name.partition("/docs/")
            if member.isfile() and Path(path).suffix in SUFFIXES:
                content = archive.extractfile(member)
                assert content is not None
                documents.append(Document(path, content.read().decode()))
    return documents


def questions(documents: list[Document], count: int) -> list[str]:
    """Distinct questions from the documents' own titles."""
    titles: dict[str, None] = {}
    for document in documents:
        for title in HEADING.findall(document.text):
            titles.setdefault(f"What do the documents say about {title.strip(' `*')[:80]}?")
    every = list(titles)
    asked = every[:: max(1, len(every) // count)]
    if len(asked) < count:
        asked += [f"{question} (in other words, {i})" for i, question in enumerate(asked * count)]
    return asked[:count]


class Checkout:
    """A working copy whose commits mark files with their revision."""

    def __init__(self, folder: Path, documents: list[Document]) -> None:
        self._folder = folder
        self._documents = documents
        self._repo = Repo.init(str(folder), mkdir=not folder.exists(), default_branch=b"main")
        self.revision = 0

    def commit(self, revision: int, count: int | None = None) -> None:
        """Touch the first `count` files, or all of them if `count` is left out."""
        documents = self._documents[:count]
        for document in documents:
            target = self._folder / document.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(stamp(document.text, revision))
        self._repo.get_worktree().stage([document.path for document in documents])
        self._repo.get_worktree().commit(
            message=f"Revision {revision}".encode(),
            author=b"Demo <demo@example.com>",
            committer=b"Demo <demo@example.com>",
        )
        self.revision = revision

    def push(self, url: str) -> None:
        with open(os.devnull, "wb") as silent:
            porcelain.push(
                self._repo, url, "refs/heads/main", outstream=silent, errstream=silent, force=True
            )

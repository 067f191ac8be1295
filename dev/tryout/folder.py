"""A folder of documents as a git repository, which is what the load step reads."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from dulwich.index import commit_tree
from dulwich.objects import Blob, Commit
from dulwich.refs import Ref
from dulwich.repo import Repo

SUFFIXES = (".md", ".mdx", ".rst", ".txt")
_AUTHOR = b"Ragwright <try@localhost>"
_REGULAR = 0o100644

# Per path: when it was written, and its size.
State = dict[str, tuple[int, int]]


class NoDocumentsError(Exception):
    """The folder does not exist, or holds no readable document."""


@dataclass(frozen=True)
class Documents:
    """The texts below a folder, without hidden files."""

    folder: Path

    def state(self) -> State:
        """The present content of the folder. Raises NoDocumentsError."""
        if not self.folder.is_dir():
            raise NoDocumentsError(f"there is no folder {self.folder}: make try DOCS=./notes")
        found = {
            str(path.relative_to(self.folder)): (path.stat().st_mtime_ns, path.stat().st_size)
            for path in sorted(self.folder.rglob("*"))
            if path.suffix in SUFFIXES and path.is_file() and not self._is_hidden(path)
        }
        if not found:
            raise NoDocumentsError(
                f"{self.folder} holds no document: put a {', '.join(SUFFIXES)} file there"
            )
        return found

    def commit(self, repo: Repo) -> State:
        """Make the folder as it is the tip of `main`."""
        state = self.state()
        blobs = []
        for path in state:
            blob = Blob.from_string((self.folder / path).read_bytes())
            repo.object_store.add_object(blob)
            blobs.append((path.encode(), blob.id, _REGULAR))
        commit = Commit()
        commit.tree = commit_tree(repo.object_store, blobs)
        commit.author = commit.committer = _AUTHOR
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"the folder as it is"
        repo.object_store.add_object(commit)
        repo.refs[Ref(b"refs/heads/main")] = commit.id
        return state

    def _is_hidden(self, path: Path) -> bool:
        return any(part.startswith(".") for part in path.relative_to(self.folder).parts)

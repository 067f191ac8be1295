"""A git repository over http(s): one commit, without its history if the server allows that."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from dulwich.errors import NotTreeError
from dulwich.object_store import tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID, SubmoduleEncountered
from dulwich.repo import Repo

from ragwright_core.network import Network
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Git, Source
from ragwright_ingest.settings import read_secret
from ragwright_ingest.sources.base import Listed, Listing, digest
from ragwright_ingest.sources.git_fetch import Fetch, Login
from ragwright_ingest.sources.git_http import GitFailureError, LoginNeededError
from ragwright_ingest.sources.git_sizes import size_of
from ragwright_ingest.sources.globs import left_out, wanted
from ragwright_ingest.surroundings import Surroundings
from ragwright_ingest.unreadable import MAX_BYTES, too_large


def open_source(source: Source, around: Surroundings, revision: str | None) -> GitRepository:
    assert source.git is not None
    folders = around.folders
    login = read_login(source.git, folders.secrets, folders.patience)
    return GitRepository(source, folders.scratch / source.name, login, around.network, revision)


def read_login(git: Git, secrets: Path, patience: float) -> Login:
    """User and password from the present content of the mounted Secret. Raises ProblemError."""
    if git.secret_ref is None:
        return Login()
    folder = secrets / git.secret_ref.name
    found = (
        read_secret(
            folder / key,
            f"Secret {folder.name} has no key {key}, or does not exist: create it with the keys "
            "username and password",
            patience=patience,
        )
        for key in ("username", "password")
    )
    return Login(*found)


class GitRepository:
    """One commit of a repository. `revision` pins a commit that was listed before."""

    def __init__(
        self,
        source: Source,
        folder: Path,
        login: Login,
        network: Network,
        revision: str | None = None,
    ) -> None:
        assert source.git is not None
        self._source = source
        self._git: Git = source.git
        self._fetch = Fetch(self._git.url, folder, login, network)
        try:
            self._repo, self._commit = self._fetched(revision)
        except BaseException:
            self.close()
            raise

    def list(self) -> Listing:
        documents = [
            self._listed(path, blob_id)
            for path, blob_id in self._blobs.items()
            if wanted(path, self._source.include, self._source.exclude)
        ]
        left = left_out(self._blobs, self._source.include)
        if not documents:
            raise ProblemError(
                Reason.SOURCE_EMPTY,
                f"source {self._source.name} is empty: at {self._git.ref} of {self._git.url} no "
                f"file matches {', '.join(self._source.include)} below '{self._git.path}'"
                + (f" ({left}): correct include and exclude" if left else ": correct git.path"),
            )
        return Listing(self._commit.id.decode(), tuple(documents), left)

    def read(self, path: str, mark: str) -> bytes:
        blob_id = self._blobs.get(path)
        if blob_id is not None and mark == _large(blob_id):
            raise too_large(self._size(blob_id))
        content = b"" if blob_id is None else self._content(blob_id)
        if digest(content) != mark:
            raise ProblemError(Reason.SOURCE_CHANGED, f"{path} is not what was listed")
        return content

    def close(self) -> None:
        self._fetch.close()

    def _listed(self, path: str, blob_id: ObjectID) -> Listed:
        """A document that is too large is listed by its id, and never unpacked."""
        size = self._size(blob_id)
        if size is None or size > MAX_BYTES:
            return Listed(path, _large(blob_id), size or MAX_BYTES + 1)
        return Listed(path, digest(self._content(blob_id)), size)

    def _size(self, blob_id: ObjectID) -> int | None:
        """The size, or None if it is only known that the file is too large."""
        return self._fetch.sizes.get(blob_id) or size_of(self._repo, blob_id)

    def _content(self, blob_id: ObjectID) -> bytes:
        blob = self._repo[blob_id]
        assert isinstance(blob, Blob)
        return blob.data

    @cached_property
    def _blobs(self) -> dict[str, ObjectID]:
        found: dict[str, ObjectID] = {}
        for path, blob_id in self._files():
            shown = PurePosixPath(path)
            # Two names that are no UTF-8 may look alike once they are written as text.
            while str(shown) in found:
                shown = shown.with_stem(f"{shown.stem}'")
            found[str(shown)] = blob_id
        return found

    def _files(self) -> Iterator[tuple[str, ObjectID]]:
        """Regular files below the source's path; links and submodules are left out."""
        for entry in self._repo.object_store.iter_tree_contents(self._root()):
            assert entry.path is not None
            assert entry.sha is not None
            if entry.mode is not None and stat.S_ISREG(entry.mode):
                yield entry.path.decode(errors="backslashreplace"), entry.sha

    def _root(self) -> ObjectID:
        """The tree of the source's path. Raises ProblemError."""
        prefix = self._git.path.strip("/")
        if not prefix:
            return ObjectID(self._commit.tree)
        try:
            mode, root = tree_lookup_path(
                self._repo.__getitem__, self._commit.tree, prefix.encode()
            )
        except (KeyError, NotTreeError):
            raise self._misled(
                f"there is no folder '{prefix}' at {self._git.ref}: correct git.path"
            ) from None
        except SubmoduleEncountered:
            mode, root = 0, self._commit.tree
        if stat.S_ISREG(mode):
            raise self._misled(
                f"'{prefix}' is a file: name its folder in git.path, and the file in include"
            )
        if not stat.S_ISDIR(mode):
            raise self._misled(
                f"'{prefix}' is a link, or in a submodule, which is not fetched: name a folder of "
                "this repository in git.path, or make the submodule a source of its own"
            )
        return ObjectID(root)

    def _fetched(self, revision: str | None) -> tuple[Repo, Commit]:
        try:
            found = self._fetch.commit(self._git.ref, revision)
        except LoginNeededError as failure:
            raise ProblemError(failure.reason, self._unauthorized()) from None
        except GitFailureError as failure:
            raise ProblemError(
                failure.reason, f"source {self._source.name}: {self._git.url} {failure.words}"
            ) from None
        if found is not None:
            return found
        if revision is None:
            raise self._misled(f"there is no commit {self._git.ref}: correct git.ref")
        raise ProblemError(
            Reason.SOURCE_CHANGED,
            f"commit {revision[:10]} is gone from {self._git.ref} of {self._git.url}; "
            "the next attempt takes the new tip",
        )

    def _misled(self, why: str) -> ProblemError:
        return ProblemError(
            Reason.SOURCE_NOT_FOUND, f"source {self._source.name}: in {self._git.url} {why}"
        )

    def _unauthorized(self) -> str:
        if self._git.secret_ref is None:
            return (
                f"{self._git.url} asks for a login: name a Secret with the keys username and "
                f"password in git.secretRef of source {self._source.name}"
            )
        return (
            f"{self._git.url} refuses the login in Secret {self._git.secret_ref.name}: "
            "renew its keys username and password"
        )


def _large(blob_id: ObjectID) -> str:
    return f"blob {blob_id.decode()}"

"""A git repository over http(s): one commit of it, without its history where the server allows."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import stamina
from dulwich.client import HTTPUnauthorized
from dulwich.client import Urllib3HttpGitClient as HttpGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, NotTreeError
from dulwich.object_store import tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Git, Source
from ragwright_ingest.settings import read_secret
from ragwright_ingest.sources.base import Listed, Listing, digest, wanted

TIMEOUT_SECONDS = 30.0
_COMMIT = re.compile("[0-9a-f]{40}")

Refs = Mapping[Ref, ObjectID | None]
Ids = list[ObjectID]


class Login(NamedTuple):
    username: str | None = None
    password: str | None = None


def read_login(git: Git, secrets: Path, patience: float) -> Login:
    """User and password as they stand in the mounted Secret now. Raises ProblemError."""
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


def _may_pass(error: Exception) -> bool:
    """A refused connection, a timeout, or a 5xx: a second try may help."""
    return isinstance(error, GitProtocolError) and "resp 4" not in str(error)


def _tips(refs: Refs) -> Ids:
    """What refs point to; a peeled tag (`^{}`) is no ref, and servers refuse to be asked for it."""
    return sorted({found for name, found in refs.items() if found and not name.endswith(b"^{}")})


class GitRepository:
    """One commit of a repository. `revision` pins a commit that was listed before."""

    def __init__(
        self, source: Source, folder: Path, login: Login, revision: str | None = None
    ) -> None:
        assert source.git is not None
        self._source = source
        self._git: Git = source.git
        self._folder = folder
        self._repos: list[Repo] = []
        self._client = HttpGitClient(
            self._git.url,
            username=login.username,
            password=login.password,
            timeout=TIMEOUT_SECONDS,
            quiet=True,
        )
        try:
            self._repo, self._commit = self._fetch(revision)
        except BaseException:
            self.close()
            raise

    def list(self) -> Listing:
        documents = []
        for path, blob_id in self._blobs.items():
            if wanted(path, self._source.include, self._source.exclude):
                content = self._content(blob_id)
                documents.append(Listed(path, digest(content), len(content)))
        if not documents:
            raise ProblemError(
                Reason.SOURCE_EMPTY,
                f"source {self._source.name} is empty: at {self._git.ref} of {self._git.url} no "
                f"file matches {', '.join(self._source.include)} below '{self._git.path}'",
            )
        return Listing(self._commit.id.decode(), tuple(documents))

    def read(self, path: str, expected_hash: str) -> bytes:
        blob_id = self._blobs.get(path)
        content = b"" if blob_id is None else self._content(blob_id)
        if digest(content) != expected_hash:
            raise ProblemError(Reason.SOURCE_CHANGED, f"{path} is not what was listed")
        return content

    def close(self) -> None:
        for repo in self._repos:
            repo.close()
        self._client.pool_manager.clear()

    def _content(self, blob_id: ObjectID) -> bytes:
        blob = self._repo[blob_id]
        assert isinstance(blob, Blob)
        return blob.data

    @cached_property
    def _blobs(self) -> dict[str, ObjectID]:
        return dict(self._files())

    def _files(self) -> Iterator[tuple[str, ObjectID]]:
        """Regular files below the source's path; links and submodules are left out."""
        root = self._commit.tree
        if prefix := self._git.path.strip("/"):
            try:
                _, root = tree_lookup_path(self._repo.__getitem__, root, prefix.encode())
            except (KeyError, NotTreeError):
                raise ProblemError(
                    Reason.SOURCE_NOT_FOUND,
                    f"{self._git.url} has no folder '{prefix}' at {self._git.ref}: "
                    f"correct git.path of source {self._source.name}",
                ) from None
        for entry in self._repo.object_store.iter_tree_contents(root):
            assert entry.path is not None
            assert entry.sha is not None
            if entry.mode is not None and stat.S_ISREG(entry.mode):
                yield entry.path.decode(errors="backslashreplace"), entry.sha

    def _fetch(self, revision: str | None) -> tuple[Repo, Commit]:
        try:
            return self._fetch_commit(revision)
        except HTTPUnauthorized:
            raise ProblemError(Reason.SOURCE_UNAUTHORIZED, self._unauthorized()) from None
        except NotGitRepository:
            raise ProblemError(
                Reason.SOURCE_NOT_FOUND,
                f"there is no git repository at {self._git.url}: correct git.url of source "
                f"{self._source.name}, or name a Secret that may read it",
            ) from None
        except (GitProtocolError, HangupException, OSError, ValueError) as error:
            if "resp 403" in str(error):
                raise ProblemError(Reason.SOURCE_UNAUTHORIZED, self._unauthorized()) from None
            raise ProblemError(
                Reason.SOURCE_UNREACHABLE,
                f"{self._git.url} cannot be reached or is no git server: {str(error)[:200]}. "
                "It is tried again with growing pauses",
            ) from None

    def _fetch_commit(self, revision: str | None) -> tuple[Repo, Commit]:
        """The ref's tip, else the commit by its id, else the commit from the refs' history."""
        refs = self._refs()
        tip = self._resolve(refs)
        if tip is not None:
            repo, commit = self._get("tip", [tip], depth=1, wanted=tip)
            if commit is not None and revision in (None, commit.id.decode()):
                return repo, commit
        pinned = ObjectID((revision or self._git.ref).encode())
        try:
            repo, commit = self._get("pinned", [pinned], depth=1, wanted=pinned)
        except (GitProtocolError, HangupException):
            # Many servers give out only what a ref points to.
            heads = [tip] if tip else _tips(refs)
            repo, commit = self._get("history", heads, depth=None, wanted=pinned)
        if commit is not None:
            return repo, commit
        raise ProblemError(*self._gone(pinned.decode(), pinned_before=revision is not None))

    def _get(
        self, name: str, wants: Ids, *, depth: int | None, wanted: ObjectID
    ) -> tuple[Repo, Commit | None]:
        folder = self._folder / name
        folder.mkdir(parents=True)
        repo = Repo.init_bare(str(folder))
        self._repos.append(repo)
        self._client.fetch(b"", repo, determine_wants=lambda *_, **__: wants, depth=depth)
        found = repo[wanted] if wanted in repo.object_store else None
        while isinstance(found, Tag):
            found = repo[found.object[1]]
        return repo, found if isinstance(found, Commit) else None

    @stamina.retry(on=_may_pass, attempts=3, wait_initial=0.2)
    def _refs(self) -> Refs:
        return self._client.get_refs(b"").refs

    def _resolve(self, refs: Refs) -> ObjectID | None:
        ref = self._git.ref
        for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
            if found := refs.get(Ref(name.encode())):
                return found
        if _COMMIT.fullmatch(ref):
            return None
        raise ProblemError(
            Reason.SOURCE_NOT_FOUND,
            f"{self._git.url} has no branch or tag '{ref}' (a commit needs all its 40 digits): "
            f"correct git.ref of source {self._source.name}",
        )

    def _gone(self, commit: str, *, pinned_before: bool) -> tuple[Reason, str]:
        if pinned_before:
            return Reason.SOURCE_CHANGED, (
                f"commit {commit[:10]} is gone from {self._git.ref} of {self._git.url}; "
                "the next attempt takes the new tip"
            )
        return Reason.SOURCE_NOT_FOUND, (
            f"{self._git.url} has no commit {commit}: correct git.ref of source {self._source.name}"
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

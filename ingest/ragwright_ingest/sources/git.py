"""A git repository over http(s), read with dulwich into memory-mapped packs in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypedDict

import stamina
import urllib3
from dulwich.client import HTTPUnauthorized
from dulwich.client import Urllib3HttpGitClient as HttpGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import Git, Source
from ragwright_ingest.sources.base import Listed, Listing, digest, wanted

_KEYS: tuple[Literal["username", "password"], ...] = ("username", "password")
_PASSING = (urllib3.exceptions.HTTPError, HangupException, OSError)


class _Login(TypedDict, total=False):
    username: str
    password: str


class GitRepository:
    """One commit of a repository. `revision` pins a commit that was listed before."""

    def __init__(
        self, source: Source, folder: Path, secrets: Path, revision: str | None = None
    ) -> None:
        assert source.git is not None
        self._source = source
        self._git: Git = source.git
        self._secrets = secrets
        self._repo = Repo.init(str(folder), mkdir=not folder.exists())
        self._commit = self._fetch(revision)

    def list(self) -> Listing:
        documents = []
        for path, entry_id in self._files():
            if wanted(path, self._source.include, self._source.exclude):
                blob = self._repo[entry_id]
                assert isinstance(blob, Blob)
                documents.append(Listed(path, digest(blob.data), len(blob.data)))
        if not documents:
            raise ProblemError(
                Reason.SOURCE_EMPTY,
                f"source {self._source.name} is empty: at {self._git.ref} of {self._git.url} no "
                f"file matches {', '.join(self._source.include)} below '{self._git.path}'",
            )
        return Listing(self._commit.id.decode(), tuple(documents))

    def read(self, path: str, expected_hash: str) -> bytes:
        full = "/".join(part for part in (self._git.path.strip("/"), path) if part)
        _, entry_id = tree_lookup_path(self._repo.__getitem__, self._commit.tree, full.encode())
        blob = self._repo[entry_id]
        assert isinstance(blob, Blob)
        if digest(blob.data) != expected_hash:
            raise ProblemError(Reason.SOURCE_CHANGED, f"{path} is not what was listed")
        return blob.data

    def _files(self) -> Iterator[tuple[str, ObjectID]]:
        root = self._commit.tree
        if prefix := self._git.path.strip("/"):
            try:
                _, root = tree_lookup_path(self._repo.__getitem__, root, prefix.encode())
            except KeyError:
                raise ProblemError(
                    Reason.SOURCE_NOT_FOUND,
                    f"{self._git.url} has no folder '{prefix}' at {self._git.ref}: "
                    f"correct git.path of source {self._source.name}",
                ) from None
        yield from self._walk(root, "")

    def _walk(self, tree_id: ObjectID, prefix: str) -> Iterator[tuple[str, ObjectID]]:
        tree = self._repo[tree_id]
        assert isinstance(tree, Tree)
        for entry in tree.items():
            path = prefix + entry.path.decode(errors="replace")
            target = None if entry.mode == 0o160000 else self._repo[entry.sha]  # a submodule
            if isinstance(target, Tree):
                yield from self._walk(entry.sha, path + "/")
            elif isinstance(target, Blob):
                yield path, entry.sha

    def _fetch(self, revision: str | None) -> Commit:
        try:
            return self._fetch_with_retries(revision)
        except HTTPUnauthorized:
            raise ProblemError(Reason.SOURCE_UNAUTHORIZED, self._unauthorized()) from None
        except NotGitRepository:
            raise ProblemError(
                Reason.SOURCE_NOT_FOUND,
                f"there is no git repository at {self._git.url}: correct git.url of source "
                f"{self._source.name}, or name a Secret that may read it",
            ) from None
        except (*_PASSING, GitProtocolError) as error:
            raise ProblemError(
                Reason.SOURCE_UNREACHABLE,
                f"{self._git.url} cannot be reached ({type(error).__name__}); "
                "it is tried again with growing pauses",
            ) from None

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

    @stamina.retry(on=_PASSING, attempts=3, timeout=60.0)
    def _fetch_with_retries(self, revision: str | None) -> Commit:
        client = HttpGitClient(self._git.url, timeout=30.0, quiet=True, **self._credentials())
        tip = self._resolve(client.get_refs(b"").refs)
        # Many servers give out only what a ref points to: a pinned commit that the ref has left
        # behind is found in its history.
        shallow = revision is None or revision == tip
        client.fetch(
            b"",
            self._repo,
            determine_wants=lambda *_, **__: [ObjectID(tip.encode())],
            depth=1 if shallow else None,
        )
        return self._commit_of(ObjectID((revision or tip).encode()))

    def _commit_of(self, name: ObjectID) -> Commit:
        try:
            found = self._repo[name]
        except KeyError:
            raise ProblemError(
                Reason.SOURCE_CHANGED,
                f"commit {name.decode()[:10]} is gone from {self._git.ref} of {self._git.url}; "
                "the next attempt takes the new tip",
            ) from None
        while isinstance(found, Tag):
            found = self._repo[found.object[1]]
        assert isinstance(found, Commit)
        return found

    def _resolve(self, refs: Mapping[Ref, ObjectID | None]) -> str:
        ref = self._git.ref
        for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
            if found := refs.get(Ref(name.encode())):
                return found.decode()
        if len(ref) == 40:
            return ref
        raise ProblemError(
            Reason.SOURCE_NOT_FOUND,
            f"{self._git.url} has no branch or tag '{ref}': correct git.ref of source "
            f"{self._source.name}",
        )

    def _credentials(self) -> _Login:
        if self._git.secret_ref is None:
            return _Login()
        folder = self._secrets / self._git.secret_ref.name
        found = _Login()
        for key in _KEYS:
            if not (folder / key).exists():
                raise ProblemError(
                    Reason.SECRET_MISSING,
                    f"Secret {folder.name} has no key {key}, or does not exist: create it with "
                    f"the keys username and password",
                )
            found[key] = (folder / key).read_text().strip()
        return found

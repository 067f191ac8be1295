"""Fetches one commit of a repository, without its history if the server allows that."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import stamina
import structlog
from dulwich.client import Urllib3HttpGitClient
from dulwich.errors import GitProtocolError, HangupException
from dulwich.objects import Commit, ObjectID, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo
from urllib3.exceptions import HTTPError

from ragwright_core.network import Network
from ragwright_core.problems import ProblemError, place
from ragwright_core.report import Reason
from ragwright_ingest.sources.git_http import GitFailureError, Http, failure_of
from ragwright_ingest.sources.git_sieve import Sieve
from ragwright_ingest.unreadable import MAX_BYTES

Refs = Mapping[Ref, ObjectID | None]
Ids = list[ObjectID]

_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
# A server that can leave out what is too large to be read does so.
_FILTER = f"blob:limit={MAX_BYTES + 1}".encode()
_NAMED = re.compile(rb"refs/(?:heads|tags)/([\w./+@-]{1,60})", re.ASCII)
_MOST_NAMED = 10


class Login(NamedTuple):
    username: str | None = None
    password: str | None = None


def _may_pass(error: Exception) -> bool:
    """Whether a second try may help: after a refused connection, a timeout, or a 5xx."""
    return isinstance(error, GitFailureError) and error.reason is Reason.SOURCE_UNREACHABLE


class Fetch:
    """One fetch from `url`. Each repository that it makes in `folder` must be closed. `sizes` has
    the sizes of files that were sent and are too large, by their ids."""

    def __init__(self, url: str, folder: Path, login: Login, network: Network) -> None:
        self._folder = folder
        self._repos: list[Repo] = []
        self.sizes: dict[ObjectID, int] = {}
        self._http = Http(network)
        self._client = Urllib3HttpGitClient(
            url,
            pool_manager=self._http,  # type: ignore[arg-type]
            username=login.username,
            password=login.password,
            quiet=True,
        )

    def commit(self, ref: str, revision: str | None) -> tuple[Repo, Commit] | None:
        """The commit `revision`, else that of `ref`. It is the ref's tip, else fetched by its id,
        else from the refs' history. Raises GitFailureError."""
        with _in_words():
            refs = self._refs()
            tip = _resolved(refs, ref)
            if tip is not None:
                repo, commit = self._get("tip", [tip], depth=1, wanted=tip)
                if commit is not None and revision in (None, commit.id.decode()):
                    return repo, commit
            pinned = ObjectID((revision or ref).encode())
            try:
                repo, commit = self._get("pinned", [pinned], depth=1, wanted=pinned)
            except (GitProtocolError, HangupException, GitFailureError):
                # Many servers send only commits that a ref points to.
                heads = [tip] if tip else _tips(refs)
                repo, commit = self._get("history", heads, depth=None, wanted=pinned)
            return None if commit is None else (repo, commit)

    def close(self) -> None:
        for repo in self._repos:
            repo.close()
        self._http.clear()

    def _get(
        self, name: str, wants: Ids, *, depth: int | None, wanted: ObjectID
    ) -> tuple[Repo, Commit | None]:
        folder = self._folder / name
        folder.mkdir(parents=True)
        repo = Repo.init_bare(str(folder))
        self._repos.append(repo)
        self._receive(repo, folder, wants, depth)
        found = repo[wanted] if wanted in repo.object_store else None
        while isinstance(found, Tag):
            found = repo[found.object[1]]
        return repo, found if isinstance(found, Commit) else None

    def _receive(self, repo: Repo, folder: Path, wants: Ids, depth: int | None) -> None:
        """Put into the repository what a server sends, but no file that is too large."""
        wants = [want for want in wants if want.strip(b"0")]
        if not wants:
            return  # An empty repository has no tips, and no object has the id of zeros.
        with TemporaryFile(dir=folder) as pack:
            result = self._client.fetch_pack(
                b"",
                lambda *_, **__: wants,
                repo.get_graph_walker(),
                pack.write,
                depth=depth,
                filter_spec=_FILTER,
            )
            if result.object_format not in (None, repo.object_format.name):
                repo._change_object_format(result.object_format)  # noqa: SLF001 - as its own fetch
            sieve = Sieve(pack, folder, repo.object_format.hash_func)
            if not sieve.found:
                pack.seek(0)
                repo.object_store.add_thin_pack(pack.read, None)
            else:
                self.sizes.update(sieve.sizes)
                with TemporaryFile(dir=folder) as rest:
                    sieve.write(rest)
                    pack.truncate(0)
                    repo.object_store.add_thin_pack(rest.read, None)
        repo.update_shallow(result.new_shallow, result.new_unshallow)

    @stamina.retry(on=_may_pass, attempts=3, wait_initial=0.2)
    def _refs(self) -> Refs:
        return self._client.get_refs(b"").refs


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever a server sends that is not git ends in a GitFailureError, without what it sent."""
    try:
        yield
    except (GitFailureError, ProblemError):
        raise
    except Exception as error:
        found = error if isinstance(error, HTTPError) else error.__cause__
        if isinstance(found, HTTPError):
            raise failure_of(found) from None
        structlog.get_logger().warning("a git server was not understood", **place(error))
        raise GitFailureError(
            Reason.SOURCE_UNREACHABLE,
            "refuses what it is asked for, or sends what is not git's protocol: is git.url that "
            "of a repository? It is tried again with growing pauses",
        ) from None


def _tips(refs: Refs) -> Ids:
    """The ids that refs point to. A peeled tag (`^{}`) is no ref, and servers refuse to send it."""
    return sorted({found for name, found in refs.items() if found and not name.endswith(b"^{}")})


def _resolved(refs: Refs, ref: str) -> ObjectID | None:
    """The id that a ref points to, or None if `ref` is a commit's id."""
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
        if found := refs.get(Ref(name.encode())):
            return found
    if _COMMIT.fullmatch(ref):
        return None
    named = filter(None, map(_NAMED.fullmatch, refs))
    names = {found[1].decode() for found in named}
    raise GitFailureError(Reason.SOURCE_NOT_FOUND, _no_ref(ref, sorted(names)))


def _no_ref(ref: str, names: list[str]) -> str:
    told = "HEAD points to no branch" if ref == "HEAD" else f"there is no branch or tag '{ref}'"
    if not names:
        return f"is empty: {told}, nor any other; push a branch"
    first = difflib.get_close_matches(ref, names, _MOST_NAMED, cutoff=0.5)
    shown = [*first, *(name for name in names if name not in first)][:_MOST_NAMED]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return (
        f"has no such ref: {told} (a commit needs all its digits). Those that are there: "
        f"{', '.join(shown)}{more}. Correct git.ref"
    )

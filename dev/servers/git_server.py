"""A real git server over http, for reading and pushing, with a login if asked for."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any

from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain

_AUTHOR = b"Test <test@example.org>"


class _Handler(WSGIRequestHandlerLogger):
    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServerLogger):
    daemon_threads = True


@dataclass
class GitServer:
    """One bare repository at `url`. `login` (user, password) may change while it runs; `answer`
    set to a status makes every request get that."""

    url: str
    repo: Repo
    login: tuple[str, str] | None = None
    answer: str | None = None
    #: Statuses of the next requests, each once.
    answers: list[str] = field(default_factory=list)
    requests: int = 0
    #: Paths that redirect to others.
    moved: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Mapping[str, bytes | None], branch: str = "main") -> str:
        """Commit changed files to a branch (None deletes one); returns the commit's id."""
        ref = Ref(f"refs/heads/{branch}".encode())
        parent = self.repo.get_refs().get(ref)
        tree = _flat(self.repo, parent)
        for path, content in files.items():
            tree.pop(path, None)
            if content is not None:
                blob = Blob.from_string(content)
                self.repo.object_store.add_object(blob)
                tree[path] = blob.id
        commit = Commit()
        commit.tree = _write_tree(self.repo, tree)
        commit.parents = [parent] if parent else []
        commit.author = commit.committer = _AUTHOR
        commit.author_time = commit.commit_time = 1_700_000_000
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"a change"
        self.repo.object_store.add_object(commit)
        self.repo.refs[ref] = commit.id
        return commit.id.decode()

    def commit_raw(self, files: Mapping[bytes, bytes], submodule: bytes = b"") -> None:
        """Commit files of any names in one folder, in place of all others."""
        tree = Tree()
        if submodule:
            tree.add(submodule, 0o160000, self.repo.refs[Ref(b"refs/heads/main")])
        for name, content in files.items():
            blob = Blob.from_string(content)
            self.repo.object_store.add_object(blob)
            tree.add(name, 0o100644, blob.id)
        self.repo.object_store.add_object(tree)
        made = self.repo[ObjectID(self.commit({}).encode())]
        assert isinstance(made, Commit)
        made.tree = tree.id
        self.repo.object_store.add_object(made)
        self.repo.refs[Ref(b"refs/heads/main")] = made.id

    def tag(self, name: str, commit: str) -> None:
        """An annotated tag."""
        tag = Tag()
        tag.tagger, tag.message, tag.name = _AUTHOR, b"a tag", name.encode()
        tag.object = (Commit, ObjectID(commit.encode()))
        tag.tag_time, tag.tag_timezone = 1_700_000_000, 0
        self.repo.object_store.add_object(tag)
        self.repo.refs[Ref(f"refs/tags/{name}".encode())] = tag.id


def _flat(repo: Repo, commit_id: ObjectID | None) -> dict[str, ObjectID]:
    if commit_id is None:
        return {}
    commit = repo[commit_id]
    assert isinstance(commit, Commit)
    entries = repo.object_store.iter_tree_contents(commit.tree)
    return {entry.path.decode(): entry.sha for entry in entries}


def _write_tree(repo: Repo, files: Mapping[str, ObjectID]) -> ObjectID:
    tree = Tree()
    folders: dict[str, dict[str, ObjectID]] = {}
    for path, blob in files.items():
        head, _, rest = path.partition("/")
        if rest:
            folders.setdefault(head, {})[rest] = blob
        else:
            tree.add(head.encode(), 0o100644, blob)
    for name, inside in folders.items():
        tree.add(name.encode(), 0o040000, _write_tree(repo, inside))
    repo.object_store.add_object(tree)
    return tree.id


def _guard(git: list[GitServer], inner: Callable[..., Iterable[bytes]]) -> Callable[..., Any]:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        server = git[0]
        server.requests += 1
        if status := server.answers.pop(0) if server.answers else server.answer:
            start_response(status, [("Content-Type", "text/plain")])
            return [b"as told"]
        for old, new in server.moved.items():
            if environ["PATH_INFO"].startswith(old):
                aim = environ["PATH_INFO"].replace(old, new) + "?" + environ["QUERY_STRING"]
                start_response("301 Moved Permanently", [("Location", aim)])
                return [b""]
        if server.login:
            want = "Basic " + base64.b64encode(":".join(server.login).encode()).decode()
            if environ.get("HTTP_AUTHORIZATION") != want:
                start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b""]
        return inner(environ, start_response)

    return application


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[GitServer]:
    """Serve a new bare repository with HEAD at `main`; a real HTTP server in a thread."""
    folder.mkdir(parents=True)
    repo = Repo.init_bare(str(folder))
    repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/main"))
    holder: list[GitServer] = []
    server = _Server(("127.0.0.1", 0), _Handler)
    served: dict[str, BackendRepo] = {"/docs.git": repo}
    server.set_app(_guard(holder, make_wsgi_chain(DictBackend(served))))
    holder.append(GitServer(f"http://127.0.0.1:{server.server_port}/docs.git", repo))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield holder[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        repo.close()

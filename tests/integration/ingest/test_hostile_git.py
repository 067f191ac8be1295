"""What is at a repository's URL, told in our own words; and what one file may cost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from dev.loopback import LOOPBACK
from dev.servers.git_server import GitServer
from ragwright_core.network import Network
from ragwright_core.report import MAX_MESSAGE, Reason
from ragwright_core.spec import Source
from ragwright_ingest.job import opened
from ragwright_ingest.loading.bootstrap import bootstrap
from ragwright_ingest.loading.models import ask_model
from ragwright_ingest.sources.base import Listed, Listing
from ragwright_ingest.sources.git import GitRepository
from ragwright_ingest.sources.git_fetch import Login
from ragwright_ingest.unreadable import UnreadableError
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_sources import Opener, opener, source
from tests.kit import measured
from tests.kit.hostile import git as hostile

__all__ = ["opener"]


def at(url: str, **fields: Any) -> Source:
    return Source.model_validate({"name": "docs", "git": {"url": url, **fields}})


@pytest.mark.parametrize("name", hostile.TABLE)
def test_what_is_no_repository(
    name: str, opener: Opener, capsys: pytest.CaptureFixture[str]
) -> None:
    behaviour = hostile.TABLE[name]
    with hostile.serve(behaviour) as url, structlog.testing.capture_logs() as logged:
        problem = opener.refused(at(url, ref="main"))
    assert problem.reason is behaviour.reason, problem.message
    assert [words for words in behaviour.says if words not in problem.message] == []
    assert len(problem.message) < MAX_MESSAGE
    said = problem.message + json.dumps(logged) + "".join(capsys.readouterr())
    assert hostile.SECRET not in said
    assert "SECRET" not in said
    assert "docs" in problem.message


class _Closes(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)


class _Greets(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(f"SSH-2.0-{hostile.SECRET}\r\n".encode())
        self.request.recv(4096)


@pytest.mark.parametrize(
    ("handler", "scheme", "says"),
    [
        (_Closes, "http", "broke off its reply"),
        (_Greets, "http", "broke off its reply"),
        (_Closes, "https", "no TLS there"),
        (_Greets, "https", "no TLS there"),
    ],
)
def test_what_does_not_even_speak_http(
    opener: Opener, handler: type[socketserver.BaseRequestHandler], scheme: str, says: str
) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        problem = opener.refused(at(f"{scheme}://127.0.0.1:{server.server_address[1]}/docs.git"))
        server.shutdown()
    assert problem.reason is Reason.SOURCE_UNREACHABLE
    assert says in problem.message
    assert hostile.SECRET not in problem.message


@pytest.mark.parametrize(
    "url",
    [
        "http://host/v1/secret?raw=",
        "http://host/docs.git#main",
        "https://user:token@host/docs.git",
        "ssh://git@host/docs.git",
        "git@github.com:org/docs.git",
        "http://host/a b",
    ],
)
def test_a_url_that_is_none_of_a_repository_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        at(url)
    assert "write a URL that begins with http:// or https://" in str(refused.value)
    assert "without ? and #" in str(refused.value)


def test_an_address_that_nobody_may_contact(opener: Opener, git: GitServer) -> None:
    """The guard stands behind the resolver, for the first address as for that of a redirect."""
    git.commit({"a.md": b"# A"})
    opener.network = Network()
    loopback = opener.refused(source(git))
    opener.network = Network(resolve=lambda _: [ip_address("169.254.169.254")])
    metadata = opener.refused(at("http://docs.example.org/docs.git"))
    opener.network = replace(LOOPBACK, allowed_hosts=("github.com",))
    elsewhere = opener.refused(source(git))
    opener.network = replace(LOOPBACK, allowed_hosts=("127.0.0.1",))

    assert opener.list(source(git)).documents
    assert {loopback.reason, metadata.reason, elsewhere.reason} == {Reason.SOURCE_NOT_FOUND}
    assert "a loopback address" in loopback.message
    assert "may not contact" in metadata.message
    assert "allowedHosts" in elsewhere.message


def test_a_redirect_on_the_same_host_is_followed(opener: Opener, git: GitServer) -> None:
    commit = git.commit({"a.md": b"# A"})
    git.login = ("robot", "s3cret")
    folder = opener.secrets / "login"
    folder.mkdir(parents=True)
    (folder / "username").write_text("robot")
    (folder / "password").write_text("s3cret")
    moved = git.url.replace("/docs.git", "/old-name.git")
    git.moved["/old-name.git"] = "/docs.git"
    assert opener.list(at(moved, secret_ref={"name": "login"})).revision == commit


def test_a_head_that_points_nowhere(opener: Opener, git: GitServer) -> None:
    git.commit({"a.md": b"# A"}, branch="trunk")
    problem = opener.refused(source(git))
    assert problem.reason is Reason.SOURCE_NOT_FOUND
    assert "HEAD points to no branch" in problem.message
    assert "Those that are there: trunk. Correct git.ref" in problem.message


@pytest.mark.parametrize("ref", ["1" * 40, "0" * 40])
@pytest.mark.parametrize("empty", [True, False])
def test_a_commit_that_is_not_there(opener: Opener, git: GitServer, ref: str, empty: bool) -> None:
    if not empty:
        git.commit({"a.md": b"# A"})
    problem = opener.refused(source(git, ref=ref))
    assert problem.reason is Reason.SOURCE_NOT_FOUND
    assert f"there is no commit {ref}: correct git.ref" in problem.message


def test_a_path_through_a_submodule(opener: Opener, git: GitServer) -> None:
    git.commit({"a.md": b"# A"})
    git.commit_raw({b"a.md": b"# A"}, submodule=b"lib")
    for path in ("lib", "lib/docs"):
        problem = opener.refused(source(git, path=path))
        assert problem.reason is Reason.SOURCE_NOT_FOUND
        assert "submodule" in problem.message


LARGE = 200 * 2**20


def test_a_file_that_is_too_large_fails_alone(pipeline: Pipeline, git: GitServer) -> None:
    git.commit({"a.md": b"# A", "big.md": b"x" * (10 * 2**20 + 1), "most.md": b"y " * 5})
    pipeline = pipeline.having(
        sources=[{"name": "docs", "git": {"url": git.url}}],
        reindex={"gates": {"maxFailedDocuments": 50}},
    )
    report = pipeline.build("r1")
    assert (report.outcome, report.counts.failed, report.counts.documents) == ("swapped", 1, 3)
    assert report.failed_documents == ["big.md: 10.0 MiB; at most 10 MiB are read"]
    again = pipeline.load("r2")
    assert again.outcome == "unchanged"


class _Vast:
    """A source of one file of 2.2 GiB."""

    def list(self) -> Listing:
        return Listing("r", (Listed("vast.md", "blob 1", 2_411_724_800),))

    def read(self, path: str, mark: str) -> bytes:
        raise AssertionError(path, mark)

    def close(self) -> None:
        pass


def test_a_file_of_any_size_can_be_listed(pipeline: Pipeline) -> None:
    order, around = pipeline.order("r1"), pipeline.around
    with opened(order, around) as job:
        build = bootstrap(
            job.connection, order, lambda *_: _Vast(), lambda model: ask_model(model, around)
        )
    assert build.version.documents == 1
    assert pipeline.value("SELECT bytes FROM documents_v1") == 2**31 - 1


def test_the_size_is_looked_at_before_the_content(tmp_path: Path, git: GitServer) -> None:
    """Beside it a delta, whose header holds the delta's size and not the file's."""
    git.commit({"a.md": b"# A", "big.md": bytes(LARGE)})
    opened = GitRepository(source(git), tmp_path, Login(), LOOPBACK)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    listing = {item.path: item for item in opened.list().documents}
    with pytest.raises(UnreadableError, match=r"200\.0 MiB; at most 10 MiB are read"):
        opened.read("big.md", listing["big.md"].mark)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    opened.close()
    assert (listing["a.md"].bytes, listing["big.md"].bytes) == (3, LARGE)
    assert grown < 30 * 1024


@contextmanager
def real_git(folder: Path, files: dict[str, bytes], *, filters: bool = True) -> Iterator[str]:
    """git's own server, which leaves out what is too large if it `filters`, and packs deltas."""
    work = folder / "tree"
    work.mkdir()

    def run(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=work, check=True, capture_output=True)

    run("init", "-q", "-b", "main")
    for name, content in files.items():
        (work / name).write_bytes(content)
    run("add", ".")
    run("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "a")
    run("config", "http.getanyfile", "true")
    run("config", "uploadpack.allowFilter", str(filters).lower())
    run("repack", "-q", "-a", "-d", "--depth=50")
    program = Path(__file__).parents[2] / "kit" / "hostile" / "git_cgi.py"
    with subprocess.Popen(
        [sys.executable, str(program), str(folder)], stdout=subprocess.PIPE, env={**os.environ}
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}/tree/.git"
        finally:
            server.kill()


needs_git = pytest.mark.skipif(not shutil.which("git"), reason="NOT RUN: there is no git")


@needs_git
def test_git_itself_leaves_out_what_is_too_large_and_sends_deltas(tmp_path: Path) -> None:
    long = b"".join(b"line %d of a long text\n" % n for n in range(20_000))
    files = {"a.md": long, "b.md": long + b"and another", "big.md": os.urandom(11 * 2**20)}
    with real_git(tmp_path, files) as url:
        opened = GitRepository(at(url), tmp_path / "client", Login(), LOOPBACK)
        listing = {item.path: item for item in opened.list().documents}
        assert {name: item.bytes for name, item in listing.items()} == {
            "a.md": len(long),
            "b.md": len(files["b.md"]),
            "big.md": 10 * 2**20 + 1,
        }
        assert opened.read("b.md", listing["b.md"].mark) == files["b.md"]
        with pytest.raises(UnreadableError, match=r"too large; at most 10 MiB are read"):
            opened.read("big.md", listing["big.md"].mark)
        opened.close()
    packs = (tmp_path / "client").rglob("*.pack")
    assert sum(pack.stat().st_size for pack in packs) < 2 * 2**20


@needs_git
@pytest.mark.parametrize("zeros", [True, False], ids=["zeros", "noise"])
def test_a_server_that_leaves_nothing_out(tmp_path: Path, *, zeros: bool) -> None:
    """git's default. The file is received, and never held as a whole."""
    large = bytes(LARGE) if zeros else os.urandom(LARGE)
    files = {"a.md": b"# A", "big.md": large, "c.md": b"# C"}
    with real_git(tmp_path, files, filters=False) as url:
        found = measured.opened(url, tmp_path / "client")
    assert found.read == {"a.md": "# A", "c.md": "# C"}
    assert found.refused == {"big.md": "200.0 MiB; at most 10 MiB are read"}
    assert found.bytes["big.md"] == LARGE
    assert found.grown < 60 * 2**20


@needs_git
def test_a_file_that_is_a_delta_to_one_that_is_too_large(tmp_path: Path) -> None:
    """git makes the smaller of two like files a delta to the larger."""
    noise = os.urandom(9 * 2**20)
    files = {
        "a.md": noise + b"a" + os.urandom(4 * 2**20),
        "b.md": noise + b"b" + os.urandom(3 * 2**20),
        "c.md": noise + b"c",
        "d.md": noise[: 8 * 2**20] + b"d",
        "e.md": b"# E",
    }
    with real_git(tmp_path, files, filters=False) as url:
        packs = list((tmp_path / "tree").rglob("*.pack"))
        assert sum(pack.stat().st_size for pack in packs) < 18 * 2**20, "no deltas"
        found = GitRepository(at(url), tmp_path / "client", Login(), LOOPBACK)
        listing = {item.path: item for item in found.list().documents}
        for name in ("c.md", "d.md", "e.md"):
            assert found.read(name, listing[name].mark) == files[name]
        for name in ("a.md", "b.md"):
            with pytest.raises(UnreadableError, match=r"too large|MiB; at most 10 MiB are read"):
                found.read(name, listing[name].mark)
        found.close()


@needs_git
def test_a_file_that_is_too_large_and_itself_a_delta_to_one(tmp_path: Path) -> None:
    """Without `ofs-delta`, which dulwich does not ask for, git names each base by its id."""
    c = os.urandom(12 * 2**20)
    b = c[: 10 * 2**20] + os.urandom(600 * 2**10)
    a = b[10 * 2**20 :] + b[: 9 * 2**20]
    files = {"a.f.md": a, "b.f.md": b, "c.f.md": c, "d.md": b"# D"}
    with real_git(tmp_path, files, filters=False) as url:
        packs = list((tmp_path / "tree").rglob("*.pack"))
        assert sum(pack.stat().st_size for pack in packs) < 12.8 * 2**20, "no deltas"
        found = GitRepository(at(url), tmp_path / "client", Login(), LOOPBACK)
        listing = {item.path: item for item in found.list().documents}
        assert {name: item.bytes for name, item in listing.items()} == {
            name: len(content) for name, content in files.items()
        }
        for name in ("a.f.md", "d.md"):
            assert found.read(name, listing[name].mark) == files[name]
        for name, told in (("b.f.md", "10.6"), ("c.f.md", "12.0")):
            with pytest.raises(UnreadableError, match=f"{told} MiB; at most 10 MiB are read"):
                found.read(name, listing[name].mark)
        found.close()

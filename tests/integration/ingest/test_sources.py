"""Git over http and mounted ConfigMaps: what is read, and what a person is told when it is not."""

from __future__ import annotations

import gc
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Blob, Commit, ObjectID, Tree

from dev.loopback import LOOPBACK
from dev.servers.git_server import GitServer
from ragwright_core.problems import ProblemError
from ragwright_core.report import Problem, Reason
from ragwright_core.spec import Source
from ragwright_ingest.commands.load import load
from ragwright_ingest.database import open_database
from ragwright_ingest.loading.worker import Worker
from ragwright_ingest.settings import Stores
from ragwright_ingest.sources.base import Listing
from ragwright_ingest.sources.configmap import ConfigMapFolder
from ragwright_ingest.sources.open import open_source
from ragwright_ingest.surroundings import Folders, Surroundings
from tests.integration.conftest import Pipeline

# dulwich raises on a status and leaves the reply unread: its socket is closed by the collector.
UNREAD_REPLIES = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
pytestmark = pytest.mark.filterwarnings(UNREAD_REPLIES)

FILES: dict[str, bytes | None] = {
    "README.md": b"# Read me",
    "docs/a.md": b"# A",
    "docs/deep/b.rst": b"B\n=\n",
    "docs/old/c.md": b"# C",
    "docs/logo.png": b"\x89PNG",
}


def source(git: GitServer, **fields: Any) -> Source:
    include = {key: fields.pop(key) for key in ("include", "exclude") if key in fields}
    return Source.model_validate({"name": "docs", "git": {"url": git.url, **fields}, **include})


class Opener:
    """Opens sources in fresh folders, as another pod would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.network = LOOPBACK
        self.count = 0

    def list(self, what: Source, revision: str | None = None) -> Listing:
        self.count += 1
        scratch = self.folder / f"pod{self.count}"
        folders = Folders(scratch, self.secrets, self.folder, patience=0)
        around = Surroundings(Stores("", None), folders, self.network)
        opened = open_source(what, around, revision)
        try:
            listing = opened.list()
            for document in listing.documents:
                assert len(opened.read(document.path, document.mark)) == document.bytes
        finally:
            opened.close()
        return listing

    def refused(self, what: Source, revision: str | None = None) -> Problem:
        with pytest.raises(ProblemError) as stopped:
            self.list(what, revision)
        problem = stopped.value.problem
        del stopped
        gc.collect()  # see UNREAD_REPLIES
        return problem


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    return Opener(tmp_path)


def paths(listing: Listing) -> list[str]:
    return [document.path for document in listing.documents]


def test_git_lists_a_folder_by_globs(git: GitServer, opener: Opener) -> None:
    commit = git.commit(FILES)

    everything = opener.list(source(git))
    below = opener.list(source(git, path="docs/", exclude=["old/**"]))

    assert everything.revision == commit
    assert paths(everything) == ["README.md", "docs/a.md", "docs/deep/b.rst", "docs/old/c.md"]
    assert paths(below) == ["a.md", "deep/b.rst"]


def test_git_leaves_out_links_and_submodules(git: GitServer, opener: Opener) -> None:
    commit_id = git.commit({"a.md": b"# A"})
    commit = git.repo[ObjectID(commit_id.encode())]
    assert isinstance(commit, Commit)
    tree = git.repo[commit.tree]
    assert isinstance(tree, Tree)
    link = Blob.from_string(b"a.md")
    git.repo.object_store.add_object(link)
    tree.add(b"link.md", stat.S_IFLNK, link.id)
    tree.add(b"sub.md", 0o160000, commit.id)
    git.repo.object_store.add_object(tree)
    commit.tree = tree.id
    git.repo.object_store.add_object(commit)
    git.repo.refs[b"refs/heads/main"] = commit.id  # type: ignore[index]

    assert paths(opener.list(source(git))) == ["a.md"]


def test_git_takes_branches_tags_and_commits(git: GitServer, opener: Opener) -> None:
    first = git.commit({"a.md": b"# first"})
    git.tag("v1", first)
    second = git.commit({"a.md": b"# second"})
    other = git.commit({"a.md": b"# other"}, branch="release/2")

    for ref, commit in [
        ("HEAD", second),
        ("main", second),
        ("release/2", other),
        ("refs/heads/main", second),
        ("v1", first),
        ("refs/tags/v1", first),
        (second, second),
        (first, first),
    ]:
        assert opener.list(source(git, ref=ref)).revision == commit, ref


@pytest.mark.parametrize("ref", ["main", "v1"])
def test_a_later_worker_reads_the_pinned_commit(git: GitServer, opener: Opener, ref: str) -> None:
    """Whatever the ref points to by then; through its history where the server gives out tips."""
    first = git.commit({"a.md": b"# first"})
    git.tag("v1", first)
    listed = opener.list(source(git, ref=ref))
    git.commit({"a.md": b"# second"})
    git.commit({"a.md": b"# third"})

    again = opener.list(source(git, ref=ref), revision=first)

    assert again == listed


def test_a_pinned_commit_that_is_gone(git: GitServer, opener: Opener) -> None:
    git.commit({"a.md": b"# first"})

    problem = opener.refused(source(git), revision="1" * 40)

    assert problem.reason is Reason.SOURCE_CHANGED
    assert "next attempt" in problem.message


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"ref": "mian"}, Reason.SOURCE_NOT_FOUND, "no branch or tag 'mian'"),
        ({"ref": "mian"}, Reason.SOURCE_NOT_FOUND, "Those that are there: main"),
        ({"path": "docs/a.md"}, Reason.SOURCE_NOT_FOUND, "'docs/a.md' is a file"),
        ({"path": "/README.md/"}, Reason.SOURCE_NOT_FOUND, "'README.md' is a file"),
        ({"ref": "2" * 40}, Reason.SOURCE_NOT_FOUND, f"no commit {'2' * 40}"),
        ({"path": "dcos"}, Reason.SOURCE_NOT_FOUND, "no folder 'dcos'"),
        ({"path": "README.md/x"}, Reason.SOURCE_NOT_FOUND, "no folder"),
        ({"include": ["**/*.adoc"]}, Reason.SOURCE_EMPTY, "no file matches **/*.adoc"),
    ],
)
def test_git_says_what_is_not_there(
    git: GitServer, opener: Opener, fields: dict[str, Any], reason: Reason, words: str
) -> None:
    git.commit(FILES)

    problem = opener.refused(source(git, **fields))

    assert problem.reason is reason
    assert words in problem.message
    assert "docs" in problem.message


def test_git_with_a_login(git: GitServer, opener: Opener) -> None:
    git.commit(FILES)
    git.login = ("robot", "s3cret")
    private = source(git, secret_ref={"name": "git-login"})
    folder = opener.secrets / "git-login"

    without = opener.refused(source(git))
    missing = opener.refused(private)
    folder.mkdir(parents=True)
    (folder / "username").write_text("robot\n")
    half = opener.refused(private)
    (folder / "password").write_text("wrong-t0ken\n")
    wrong = opener.refused(private)
    (folder / "password").write_text("s3cret\n")

    assert without.reason is wrong.reason is Reason.SOURCE_UNAUTHORIZED
    assert missing.reason is half.reason is Reason.SECRET_MISSING
    assert "git.secretRef" in without.message
    assert "Secret git-login has no key username" in missing.message
    assert "no key password" in half.message
    assert "refuses the login in Secret git-login" in wrong.message
    assert "wrong-t0ken" not in wrong.message
    assert paths(opener.list(private))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("403 Forbidden", Reason.SOURCE_UNAUTHORIZED),
        ("404 Not Found", Reason.SOURCE_NOT_FOUND),
        ("500 Internal Server Error", Reason.SOURCE_UNREACHABLE),
        ("200 OK", Reason.SOURCE_NOT_FOUND),
        ("410 Gone", Reason.SOURCE_NOT_FOUND),
        ("400 Bad Request", Reason.SOURCE_NOT_FOUND),
        ("429 Too Many Requests", Reason.SOURCE_UNREACHABLE),
    ],
)
def test_git_servers_that_do_not_serve(
    git: GitServer, opener: Opener, answer: str, reason: Reason
) -> None:
    git.commit(FILES)
    git.answer = answer

    assert opener.refused(source(git)).reason is reason


def test_git_that_nobody_answers(opener: Opener) -> None:
    nowhere = Source.model_validate({"name": "docs", "git": {"url": "http://127.0.0.1:1/docs.git"}})

    assert opener.refused(nowhere).reason is Reason.SOURCE_UNREACHABLE


def test_a_passing_failure_is_asked_again(git: GitServer, opener: Opener) -> None:
    commit = git.commit(FILES)
    git.answers.extend(["503 Service Unavailable", "502 Bad Gateway"])

    assert opener.list(source(git)).revision == commit


CONFIG_MAP = Source.model_validate({"name": "docs", "configMap": {"name": "manual"}})


def mount(folder: Path, **files: str) -> None:
    """Files as the kubelet mounts them: names that link through `..data` to a dated folder."""
    dated = folder / f"..{len(list(folder.glob('*')))}"
    dated.mkdir(parents=True)
    for name, text in files.items():
        (dated / f"{name}.md").write_text(text)
    data = folder / "..data"
    data.unlink(missing_ok=True)
    data.symlink_to(dated.name)
    for name in files:
        link = folder / f"{name}.md"
        if not link.is_symlink():
            link.symlink_to(f"..data/{name}.md")


def test_a_config_map_as_it_is_mounted(tmp_path: Path) -> None:
    mount(tmp_path, b="# B", a="# A")

    listing = ConfigMapFolder(CONFIG_MAP, tmp_path, 0).list()

    assert paths(listing) == ["a.md", "b.md"]


def test_a_config_map_that_comes_later(tmp_path: Path) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            mount(tmp_path, a="# A")

    listing = ConfigMapFolder(CONFIG_MAP, tmp_path, 60, pause).list()

    assert paths(listing) == ["a.md"]
    assert len(pauses) == 3


def test_a_copy_that_lags_behind_is_waited_for(tmp_path: Path) -> None:
    """Another pod listed a newer ConfigMap; this pod's mount follows."""
    mount(tmp_path / "newer", a="# new")
    (listed,) = ConfigMapFolder(CONFIG_MAP, tmp_path / "newer", 0).list().documents
    mine = tmp_path / "mine"
    mount(mine, a="# old")
    folder = ConfigMapFolder(CONFIG_MAP, mine, 60, lambda _: mount(mine, a="# new"))

    assert folder.read("a.md", listed.mark) == b"# new"


def test_a_config_map_changed_in_mid_build_is_listed_anew(pipeline: Pipeline) -> None:
    """The listed text is gone for good: that version ends, the next attempt begins another."""
    pipeline.write(a="# One", b="# Two")

    def change(step: str) -> None:
        if step == "listed":
            pipeline.write(b="# Two, changed")

    with pytest.raises(ProblemError) as stopped:
        load(pipeline.order("r1"), replace(pipeline.around, after_step=change))
    with pytest.raises(ProblemError, match=r"b\.md of source docs changed"):
        another_worker(pipeline)
    report = pipeline.build("r1")

    assert stopped.value.problem.reason is Reason.SOURCE_CHANGED
    assert (report.outcome, report.number) == ("swapped", 2)
    assert pipeline.rows("SELECT text FROM chunks ORDER BY path") == [
        ("# One",),
        ("# Two, changed",),
    ]


def another_worker(pipeline: Pipeline) -> None:
    """A worker of the same Job that goes on with version 1."""
    connection, _ = open_database(pipeline.stores.database_url, pipeline.identity)
    with connection:
        Worker(
            connection=connection,
            number=1,
            rows=None,  # type: ignore[arg-type]
            chunking=pipeline.spec.chunking,
            token_limit=None,
            source=lambda _: pytest.fail("it reads nothing more"),
            vectorizer=None,  # type: ignore[arg-type]
        ).run()


def test_two_sources_in_one_index(pipeline: Pipeline, git: GitServer) -> None:
    commit = git.commit({"docs/a.md": b"# From git"})
    pipeline.write(a="# From the ConfigMap")
    both = pipeline.having(
        sources=[
            {"name": "docs", "configMap": {"name": "docs"}},
            {"name": "code", "git": {"url": git.url}},
        ]
    )

    report = both.build("r1")

    assert f"code {commit}" in report.source_revision
    assert both.rows("SELECT source, path, text FROM chunks ORDER BY source") == [
        ("code", "docs/a.md", "# From git"),
        ("docs", "a.md", "# From the ConfigMap"),
    ]

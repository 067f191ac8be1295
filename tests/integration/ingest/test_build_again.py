"""What is asked for again: the same documents build nothing, other settings there and back do."""

from __future__ import annotations

from dev.servers.git_server import GitServer
from ragwright_core.report import Changes, Reason
from ragwright_core.spec import shape_fingerprint
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import LONG, states, tables


def there_and_back(pipeline: Pipeline) -> tuple[Pipeline, Pipeline]:
    """The same pipeline with two sets of settings that give other chunks."""
    loose = pipeline.having(reindex={"gates": {"maxShrink": 100}})
    return loose, loose.having(chunking={"maxCharacters": 500})


def test_same_documents_and_settings_build_nothing(pipeline: Pipeline) -> None:
    pipeline.write(a="# First")
    pipeline.build("r1")
    before = tables(pipeline)

    again = pipeline.load("r2")
    rerun = pipeline.load("r2")

    assert (again.outcome, again.number) == ("unchanged", 1)
    assert again.changes == Changes()
    assert rerun == again
    assert states(pipeline) == {1: "live"}
    assert tables(pipeline) == before
    # A lost report: the index step has nothing to do either.
    assert pipeline.index("r2").outcome == "unchanged"
    assert pipeline.value("SELECT term FROM live") == 1


def test_another_spec_that_leaves_the_documents_as_they_are_builds_nothing(
    pipeline: Pipeline,
) -> None:
    pipeline.write(a="# One")
    pipeline.build("r1")
    [source] = pipeline.spec.sources
    wider = source.model_copy(update={"include": [*source.include, "**/*.adoc"]})
    other = pipeline.having(sources=[wider.model_dump()])
    report = other.build("r2")
    assert (report.outcome, report.number) == ("unchanged", 1)
    assert report.shape == shape_fingerprint(other.spec)
    assert states(pipeline) == {1: "live"}
    assert other.having(chunking={"maxCharacters": 111}).build("r3").number == 2


def test_a_commit_beside_the_documents_builds_nothing_and_is_told(
    pipeline: Pipeline, git: GitServer
) -> None:
    pipeline = pipeline.having(sources=[{"name": "docs", "git": {"url": git.url}}])
    git.commit({"a.md": b"# One"})
    pipeline.build("r1")
    newer = git.commit({"build.log": b"not a document"})
    report = pipeline.build("r2")
    assert (report.outcome, report.number) == ("unchanged", 1)
    assert newer in report.source_revision


def test_there_and_back_again(pipeline: Pipeline) -> None:
    """A request that comes again after another is built anew, and once."""
    a, b = there_and_back(pipeline)
    pipeline.write(a=LONG)

    numbers = [a.build("A").number, b.build("B").number, a.build("A").number]

    assert numbers == [1, 2, 3]
    assert a.load("A").number == 3
    assert states(pipeline) == {1: "dropped", 2: "kept", 3: "live"}


def test_going_back_before_the_other_was_live_ends_it(pipeline: Pipeline) -> None:
    """A's build is half done, B is asked for, then A again: what was begun last is built."""
    a, b = there_and_back(pipeline)
    pipeline.write(a=LONG)
    a.load("A")
    b.load("B")
    superseded = a.index("A")

    again = a.build("A")

    assert superseded.problem is not None
    assert superseded.problem.reason is Reason.SUPERSEDED
    assert (again.outcome, again.number) == ("swapped", 3)
    late = b.index("B")
    assert late.problem is not None
    assert late.problem.reason is Reason.SUPERSEDED
    assert pipeline.value("SELECT number FROM live") == 3


def test_asking_for_the_live_version_ends_a_newer_build(pipeline: Pipeline) -> None:
    a, b = there_and_back(pipeline)
    pipeline.write(a=LONG)
    a.build("A")
    b.load("B")

    back = a.build("A")

    assert (back.outcome, back.number) == ("swapped", 1)
    assert b.index("B").outcome == "failed"
    assert pipeline.value("SELECT number FROM live") == 1

"""A document fails alone, by its name, whatever about it is wrong; the others are loaded."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from dev.servers.git_server import GitServer
from ragwright_core.report import MAX_BYTES, Reason
from ragwright_ingest.commands.load import load
from ragwright_ingest.failures import problem_of
from tests.integration.conftest import Pipeline


def lenient(pipeline: Pipeline, **fields: Any) -> Pipeline:
    return pipeline.having(reindex={"gates": {"maxFailedDocuments": 60}}, **fields)


def titles(pipeline: Pipeline) -> list[str]:
    return [text for (text,) in pipeline.rows("SELECT title FROM chunks ORDER BY path")]


ODD_FIELDS = {
    "NUL in a value": r'a: "\0"',
    "NUL in a name": r'"a\0": b',
    "half a character": r'a: "\ud800"',
    "half a character in a list": r'a: [b, "\udfff"]',
    "infinity": "a: [.inf, -.inf, .nan]",
    "a number of 9,000 digits": "a: 0x" + "f" * 7500,
    "a number of 5,000 digits": "a: " + "9" * 5000,
    "a list of 4,000": f"a: [{'1, ' * 4000}]",
    "400 fields": "\n".join(f"a{n}: {n}" for n in range(400)),
    "5 MB by aliases": "\n".join(
        [f"a: &a {'x' * 990}", *(f"b{n}: [{', '.join(['*a'] * 100)}]" for n in range(15))]
    ),
    "aliases of aliases": "\n".join(
        ["a: &a [x, x]", *(f"b{n}: &b{n} [*a, *{f'b{n - 1}' if n else 'a'}]" for n in range(40))]
    ),
    "a circle": "a: &a [*a]",
    "binary": "a: !!binary aGVsbG8=",
    "a set": "a: !!set {b, c}",
    "an object of Python": "a: !!python/object/apply:os.system [id]",
    "a day that is none": "a: 2024-02-31",
    "a year far away": "a: 9999-12-31T23:59:59.999999999+23:59",
    "a name of 5,000 characters": f"? {'a' * 5000}\n: b",
    "names that are no text": "1: a\ntrue: b\nnull: c\n[a, b]: d",
    "deep": "a: " + "[" * 3000 + "]" * 3000,
    "100 kB": f"a: {'x' * 100_000}",
    "open": 'a: "never closed',
}


@pytest.mark.parametrize("name", ODD_FIELDS)
def test_front_matter_of_any_kind_is_loaded(pipeline: Pipeline, name: str) -> None:
    """Fields that no filter can ask for are left out; the document is whole."""
    pipeline.write(a="# A", b=f"---\nteam: red\n{ODD_FIELDS[name]}\n---\n# B", c="# C")
    report = lenient(pipeline).build("r1")
    assert report.outcome == "swapped", report
    assert (report.counts.failed, report.failed_documents) == (0, [])
    longest = pipeline.value("SELECT max(length(metadata::text)) FROM chunks")
    assert longest < 20_000


REFUSED_BY_POSTGRES = {
    "a check": "ALTER TABLE chunks_v1 ADD CHECK (path <> 'b.md')",
    "a length": "ALTER TABLE chunks_v1 ADD CHECK (length(repeat(path, CASE path WHEN 'b.md' "
    "THEN 2000000000 ELSE 1 END)) > 0)",
    "a number": "ALTER TABLE chunks_v1 ADD CHECK (1 / (path <> 'b.md')::integer > 0)",
    "a limit of an index": "CREATE INDEX ON chunks_v1 (text)",
    "the document's own row": "ALTER TABLE documents_v1 ADD CHECK (path <> 'b.md' OR state <> "
    "'done')",
}


@pytest.mark.parametrize("name", REFUSED_BY_POSTGRES)
def test_a_row_that_postgres_refuses(pipeline: Pipeline, name: str) -> None:
    long = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=7_000))
    pipeline = lenient(pipeline, chunking={"maxCharacters": 8000})
    pipeline.write(a="# A", b=f"# B\n\n{long}", c="# C")

    def strict(step: str) -> None:
        if step == "listed":
            with pipeline.connect() as other:
                other.execute(REFUSED_BY_POSTGRES[name].encode())

    report = load(pipeline.order("r1"), replace(pipeline.around, after_step=strict))

    assert (report.outcome, report.counts.failed, report.counts.chunks) == ("loaded", 1, 2)
    (failed,) = report.failed_documents
    assert failed.startswith("b.md: the database refuses")
    assert pipeline.index("r1").outcome == "swapped"
    assert titles(pipeline) == ["A", "C"]


def test_what_postgres_refuses_of_every_document_is_told_by_the_gate(pipeline: Pipeline) -> None:
    pipeline.write(a="# A", b="# B")

    def strict(step: str) -> None:
        if step == "listed":
            with pipeline.connect() as other:
                other.execute("ALTER TABLE chunks_v1 ADD CHECK (length(path) < 1)")

    load(pipeline.order("r1"), replace(pipeline.around, after_step=strict))
    report = pipeline.index("r1")
    assert report.problem is not None
    assert report.problem.reason is Reason.GATE_FAILED
    assert "a.md: the database refuses" in str(report.failed_documents)


def test_what_is_wrong_with_the_database_ends_the_load(pipeline: Pipeline) -> None:
    """Nobody's document: a table that is gone, a right that is missing."""
    pipeline.write(a="# A", b="# B")

    def lost(step: str) -> None:
        if step == "listed":
            with pipeline.connect() as other:
                other.execute("ALTER TABLE chunks_v1 RENAME title TO heading")

    with pytest.raises(Exception, match="title") as stopped:
        load(pipeline.order("r1"), replace(pipeline.around, after_step=lost))
    problem = problem_of(stopped.value)
    assert problem.reason is Reason.DATABASE_REFUSED
    assert 'column "title"' in problem.message
    assert "cannot be reached" not in problem.message


def test_long_paths(pipeline: Pipeline, git: GitServer) -> None:
    draw = random.Random(3)
    folders = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=240)) for _ in range(150)]
    paths = ["/".join([*folders[:count], "a.md"]) for count in (1, 15, 150)]
    git.commit({path: f"# {len(path)}".encode() for path in paths})
    pipeline = lenient(pipeline, sources=[{"name": "docs", "git": {"url": git.url}}])

    report = pipeline.build("r1")

    assert (report.outcome, report.counts.failed) == ("swapped", 0)
    assert sorted(pipeline.rows("SELECT path FROM chunks")) == sorted((path,) for path in paths)


def test_a_failed_document_of_a_long_path_is_named_with_its_cause(
    pipeline: Pipeline, git: GitServer
) -> None:
    path = "/".join(["x" * 200] * 20) + "/last.md"
    git.commit({path: b"\xff", "b.md": b"# B"})
    pipeline = lenient(pipeline, sources=[{"name": "docs", "git": {"url": git.url}}])
    report = pipeline.build("r1")
    (failed,) = report.failed_documents
    assert "last.md: not UTF-8" in failed
    assert len(report.message()) <= MAX_BYTES


def test_paths_that_are_no_text(pipeline: Pipeline, git: GitServer) -> None:
    """Each is one document, also where two look alike once they are written as text."""
    names = [b"a\xff.md", rb"a\xff.md", "ä\n\t\x1b\u202e.md".encode(), b"\xed\xa0\x80.md"]
    git.commit_raw({name: b"# " + str(at).encode() for at, name in enumerate(names)})
    pipeline = lenient(pipeline, sources=[{"name": "docs", "git": {"url": git.url}}])
    report = pipeline.build("r1")
    assert (report.outcome, report.counts.failed, report.counts.chunks) == ("swapped", 0, 4)
    assert sorted(titles(pipeline)) == ["0", "1", "2", "3"]

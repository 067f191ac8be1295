"""A pipeline's builds, from documents to the live version, against a real database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dev.servers.openai_server import Endpoint, vector
from ragwright_core.index.search.found import Searched
from ragwright_core.index.search.vector import search
from ragwright_core.index.sentences import SENTENCES
from ragwright_core.names import chunks_table
from ragwright_core.problems import ProblemError
from ragwright_core.report import Changes, Reason
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline

LONG = "\n\n".join(f"Paragraph {n} tells of topic {n} in a sentence of its own." for n in range(9))


def openai(pipeline: Pipeline, endpoint: Endpoint, dimensions: int = 64) -> Pipeline:
    embedding = {
        "provider": "openai",
        "model": "test-model",
        "dimensions": dimensions,
        "baseUrl": endpoint.url,
    }
    return pipeline.having(embedding=embedding)


def texts_of(endpoint: Endpoint) -> list[str]:
    """What was embedded of the documents."""
    return [text for text in endpoint.told.texts if text not in SENTENCES]


def states(pipeline: Pipeline) -> dict[int, str]:
    return dict(pipeline.rows("SELECT number, state FROM index_version"))


def tables(pipeline: Pipeline) -> set[str]:
    found = pipeline.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename ~ '_v[0-9]+$'",
        [pipeline.schema],
    )
    return {name for (name,) in found}


def test_two_builds_and_what_differs(pipeline: Pipeline) -> None:
    pipeline.write(a="# First\n\nold text", b="# Second", c="# Third")
    first = pipeline.build("r1")
    pipeline.write(a="# First\n\nnew text", d="# Fourth")
    (pipeline.documents / "c.md").unlink()

    second = pipeline.build("r2")

    assert (first.outcome, first.number, first.previous) == ("swapped", 1, None)
    assert first.changes == Changes(new=3)
    assert (second.outcome, second.number, second.previous) == ("swapped", 2, 1)
    assert second.changes == Changes(changed=1, new=1, gone=1)
    assert second.counts.documents == second.counts.chunks == 3
    assert set(second.seconds) == {"load", "gates", "index"}
    assert second.swap is not None
    assert second.swap.attempts == 1
    assert second.swap.milliseconds < 250
    assert states(pipeline) == {1: "kept", 2: "live"}
    assert pipeline.value("SELECT term FROM live") == 2
    texts = pipeline.rows("SELECT text FROM chunks ORDER BY path")
    assert texts == [("# First\n\nnew text",), ("# Second",), ("# Fourth",)]
    assert pipeline.value("SELECT count(*) FROM documents") == 3
    assert pipeline.waits == [1.5, 1.5]


def test_chunks_quote_their_documents(pipeline: Pipeline) -> None:
    pipeline.write(a=f"# Title\n\n{LONG}")
    pipeline.build("r1")
    text = (pipeline.documents / "a.md").read_text()

    rows = pipeline.rows(
        "SELECT text, start_offset, end_offset, first_line, last_line, metadata, title, position "
        "FROM chunks_v1 ORDER BY position"
    )

    assert len(rows) > 3
    for position, row in enumerate(rows):
        assert text[row[1] : row[2]] == row[0]
        assert row[0] in "\n".join(text.split("\n")[row[3] - 1 : row[4]])
        assert row[5] == {"source": "docs", "path": "a.md", "title": "Title", "format": "markdown"}
        assert row[6:] == ("Title", position)


def test_only_new_text_is_embedded(pipeline: Pipeline, endpoint: Endpoint) -> None:
    pipeline = replace(
        openai(pipeline, endpoint), stores=Stores(pipeline.stores.database_url, None)
    )
    pipeline.write(a=LONG, b="# Other\n\nsomething else")
    first = pipeline.build("r1")
    embedded_first = len(texts_of(endpoint))
    (pipeline.documents / "a.md").rename(pipeline.documents / "renamed.md")
    renamed = pipeline.build("r2")
    embedded_renamed = len(texts_of(endpoint)) - embedded_first
    pipeline.write(renamed=LONG.replace("topic 4", "matter 4"))
    changed = pipeline.build("r3")

    assert first.counts.embedded == first.counts.chunks == embedded_first
    assert embedded_renamed == 0
    assert renamed.counts.reused == renamed.counts.chunks == first.counts.chunks
    assert renamed.changes == Changes(new=1, gone=1)
    assert changed.counts.embedded == 1
    assert len(texts_of(endpoint)) == embedded_first + 1
    assert "matter 4" in texts_of(endpoint)[-1]
    for text, found in pipeline.rows("SELECT text, embedding FROM chunks"):
        np.testing.assert_allclose(found.to_numpy(), vector(text, 64), atol=1e-6)


def test_a_look_that_finds_the_same_documents_asks_no_model(
    pipeline: Pipeline, endpoint: Endpoint
) -> None:
    pipeline = openai(pipeline, endpoint)
    pipeline.write(a="# One\n\ntext")
    built = pipeline.build("r1")
    asked = len(endpoint.told.came)

    same = pipeline.load("r2", poll=True)
    assert (same.outcome, same.number, len(endpoint.told.came)) == ("unchanged", 1, asked)
    assert same.revisions.keys() == {"docs"}
    assert same.revisions == built.revisions
    pipeline.load("r3")
    assert len(endpoint.told.came) > asked, "a build that is asked for looks at the model, too"

    pipeline.write(a="# One\n\nother text")
    changed = pipeline.load("r4", poll=True)
    assert (changed.outcome, changed.number) == ("loaded", 2)
    assert changed.revisions != built.revisions


@pytest.mark.parametrize(
    ("documents", "gates", "words"),
    [
        ({"a": "# One", "b": ""}, {}, "maxShrink: want at most 20 % fewer"),
        ({"a": "# One", "b": b"\xff"}, {"maxShrink": 100}, "want at most 1 % failed documents"),
        ({"a": "", "b": " "}, {"maxShrink": 100}, "chunks: want at least 1 chunk, got 0"),
    ],
)
@pytest.mark.row(16, "0 chunks, half the chunks, unreadable documents")
def test_a_gate_keeps_the_live_version(
    pipeline: Pipeline, documents: dict[str, str | bytes], gates: dict[str, int], words: str
) -> None:
    pipeline.write(a="# One", b="# Two")
    pipeline.build("r1")
    pipeline = pipeline.having(reindex={"gates": gates})
    pipeline.write(**documents)

    report = pipeline.build("r2")
    rerun = pipeline.index("r2")

    for told in (report, rerun):
        assert told.outcome == "failed"
        assert told.problem is not None
        assert told.problem.reason is Reason.GATE_FAILED
        assert words in told.problem.message
    assert states(pipeline) == {1: "live", 2: "failed"}
    assert pipeline.value("SELECT term FROM live") == 1
    assert {path for (path,) in pipeline.rows("SELECT path FROM chunks")} == {"a.md", "b.md"}
    verdicts = pipeline.value("SELECT verdicts FROM index_version WHERE number = 2")
    assert len(verdicts) == 5
    assert [verdict["ok"] for verdict in verdicts].count(False) == 1


def test_after_a_failed_gate_a_mended_source_goes_live(pipeline: Pipeline) -> None:
    pipeline.write(a="# One", b="# Two")
    pipeline.build("r1")
    pipeline.write(b="")
    pipeline.build("r2")
    pipeline.write(b="# Two, mended")

    report = pipeline.build("r2")

    assert (report.outcome, report.number) == ("swapped", 3)
    assert states(pipeline) == {1: "kept", 2: "dropped", 3: "live"}
    assert tables(pipeline) == {
        f"{kind}_v{number}" for kind in ("documents", "chunks", "lexemes") for number in (1, 3)
    }


def test_a_document_that_cannot_be_read_is_named_and_the_rest_goes_on(pipeline: Pipeline) -> None:
    pipeline = pipeline.having(reindex={"gates": {"maxFailedDocuments": 50}})
    pipeline.write(a="# Good", b=b"\xff\xfe", c=b"a\0b", d="# Good too")

    report = pipeline.build("r1")

    assert report.outcome == "swapped"
    assert (report.counts.documents, report.counts.failed, report.counts.chunks) == (4, 2, 2)
    assert report.failed_documents == [
        "b.md: not UTF-8 at byte 0: save it as UTF-8",
        "c.md: holds NUL bytes: a binary file?",
    ]


def test_a_document_that_the_endpoint_refuses_is_named_and_the_rest_goes_on(
    pipeline: Pipeline, endpoint: Endpoint
) -> None:
    pipeline = openai(pipeline.having(reindex={"gates": {"maxFailedDocuments": 50}}), endpoint)
    pipeline.write(a="# Good", b="# Bad", c="# Good too")
    endpoint.told.refuse_texts = lambda texts: 400 if "# Bad" in texts else None

    report = pipeline.build("r1")

    assert report.outcome == "swapped"
    assert (report.counts.documents, report.counts.failed, report.counts.chunks) == (3, 1, 2)
    (named,) = report.failed_documents
    assert named.startswith(f"b.md: {endpoint.url} refused to embed (HTTP 400): ")
    pipeline.write(b="# Mended")
    assert pipeline.build("r2").counts.failed == 0


@pytest.mark.parametrize("dimensions", [128, 2000, 3000, 4000])
def test_a_change_of_dimensions_is_an_ordinary_reindex(
    pipeline: Pipeline, endpoint: Endpoint, dimensions: int
) -> None:
    """Up to 1,948 dimensions `vector`, above `halfvec`; a reader by stable name sees neither."""
    pipeline.write(a="apples and pears", b="bolts and nuts")
    openai(pipeline, endpoint).build("r1")
    with pipeline.connect() as reader:
        reader.prepare_threshold = 0
        before = reader.execute("SELECT path, embedding FROM chunks ORDER BY path").fetchall()
        report = openai(pipeline, endpoint, dimensions).build("r2")
        after = reader.execute("SELECT path, embedding FROM chunks ORDER BY path").fetchall()

        question: Any = np.asarray(vector("pears, please", dimensions), dtype=np.float32)
        statement = search(Searched(2, dimensions, None))
        nearest = reader.execute(statement, {"vector": question, "limit": 1}).fetchone()

    assert report.outcome == "swapped"
    assert report.counts.embedded == 2
    assert [len(row[1].to_list()) for row in before] == [64, 64]
    assert [len(row[1].to_list()) for row in after] == [dimensions] * 2
    assert nearest is not None
    assert nearest[2] == "a.md"


def test_the_search_statement_uses_the_ann_index(pipeline: Pipeline) -> None:
    pipeline.write(a="\n\n".join(f"Sentence number {n} of this text." for n in range(3000)))
    pipeline.build("r1")
    question = np.ones(64, dtype=np.float32)

    with pipeline.connect() as reader:
        explained = reader.execute(
            b"EXPLAIN " + search(Searched(1, 64, None)).as_bytes(reader),
            {"vector": question, "limit": 5},
        ).fetchall()

    assert f"{chunks_table(1)}_ann" in str(explained)


def test_only_kept_versions_have_tables(pipeline: Pipeline) -> None:
    pipeline = pipeline.having(reindex={"keep": 2, "gates": {"maxShrink": 100}})
    for number in range(1, 6):
        pipeline.write(a=f"# Text {number}")
        pipeline.build(f"r{number}")

    assert states(pipeline) == {1: "dropped", 2: "dropped", 3: "kept", 4: "kept", 5: "live"}
    assert {name.partition("_v")[2] for name in tables(pipeline)} == {"3", "4", "5"}
    assert pipeline.rows("SELECT text FROM chunks") == [("# Text 5",)]


@pytest.mark.parametrize(
    ("files", "reason"), [({}, Reason.SOURCE_NOT_FOUND), ({"a.png": b"x"}, Reason.SOURCE_EMPTY)]
)
def test_a_source_without_documents_begins_no_version(
    pipeline: Pipeline, files: dict[str, bytes], reason: Reason
) -> None:
    for name, content in files.items():
        (pipeline.documents / name).write_bytes(content)

    with pytest.raises(ProblemError) as stopped:
        pipeline.load("r1")

    assert stopped.value.problem.reason is reason
    assert "docs" in stopped.value.problem.message
    assert states(pipeline) == {}


def test_index_before_the_load_is_done_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.write(a="# One")
    with pytest.raises(ProblemError, match="run load"):
        pipeline.index("r1")
    pipeline.load("r1")
    with pipeline.connect() as other:
        other.execute("UPDATE documents_v1 SET state = 'pending'")

    report = pipeline.index("r1")

    assert report.problem is not None
    assert "1 documents are not loaded yet" in report.problem.message
    assert states(pipeline) == {1: "building"}

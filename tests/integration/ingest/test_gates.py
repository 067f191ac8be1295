"""Each gate has documents, or a database, that trip it; mended, the same ones pass."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from dev.servers.openai_server import Endpoint
from ragwright_core.embedding import EmbeddingRejectedError
from ragwright_core.report import Reason, Report
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai

REFUNDS = {"a": "# Refunds\n\nA refund takes thirty days.", "b": "# Cars\n\nCars have wheels."}
QUESTION = "How long does a refund take?"


def asking(pipeline: Pipeline, source: str, **reindex: Any) -> Pipeline:
    golden = [{"question": QUESTION, "source": source}]
    return pipeline.having(
        retrieval={"topK": 1}, reindex={"gates": {"goldenQuestions": golden}, **reindex}
    )


def verdict(report: Report, gate: str) -> tuple[bool, str]:
    [found] = [item for item in report.verdicts if item.gate == gate]
    return found.ok, found.got


def refused(report: Report, gate: str) -> str:
    assert report.outcome == "failed"
    assert report.problem is not None
    assert report.problem.reason is Reason.GATE_FAILED
    assert [item.gate for item in report.verdicts if not item.ok] == [gate]
    return report.problem.message


@contextmanager
def role_with(pipeline: Pipeline, setting: str, value: str) -> Iterator[Pipeline]:
    """The pipeline as a role of its own, for which a setting of the server is another."""
    role = sql.Identifier(f"role_{pipeline.identity.name}")
    alter = sql.SQL("ALTER ROLE {} SET {} = {}").format(
        role, sql.SQL(".").join(map(sql.Identifier, setting.split("."))), sql.Literal(value)
    )
    with psycopg.connect(pipeline.stores.database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(role))
        admin.execute(alter)
        try:
            name = f"role_{pipeline.identity.name}"
            url = psycopg.conninfo.make_conninfo(pipeline.stores.database_url, user=name)
            yield replace(pipeline, stores=Stores(url, pipeline.stores.redis_url))
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def write_words(pipeline: Pipeline, chunks: int) -> None:
    """Some documents of about this many chunks that all differ."""
    words = random.Random(4)
    per_document = 250
    for number in range(chunks // per_document):
        paragraphs = (
            " ".join(f"{words.getrandbits(40):x}" for _ in range(8)) for _ in range(per_document)
        )
        pipeline.write(**{f"d{number}": "\n\n".join(paragraphs)})


def test_all_verdicts_are_told_and_kept(pipeline: Pipeline) -> None:
    pipeline.write(**REFUNDS)
    report = asking(pipeline, "a.md").build("r1")
    assert report.outcome == "swapped"
    assert [item.gate for item in report.verdicts] == [
        "chunks", "maxShrink", "maxFailedDocuments", "dimensions", "vectors", "planner",
        "minRecall", "goldenQuestions",
    ]  # fmt: skip
    assert all(item.ok for item in report.verdicts)
    stored = pipeline.value("SELECT verdicts FROM index_version WHERE number = 1")
    assert [item["gate"] for item in stored] == [item.gate for item in report.verdicts]


@pytest.mark.row(16, "a golden question finds another source")
def test_a_golden_question_that_finds_another_source(pipeline: Pipeline) -> None:
    pipeline.write(**REFUNDS)
    pipeline.build("r1")
    message = refused(
        asking(pipeline, "b.md").having(chunking={"maxCharacters": 110}).build("r2"),
        "goldenQuestions",
    )
    assert "finds a.md first, not b.md" in message
    assert pipeline.value("SELECT number FROM live") == 1
    pipeline.write(b="# Refund\n\nHow long does a refund take? It takes a week.")
    assert asking(pipeline, "b.md").build("r3").outcome == "swapped"


def test_a_golden_question_goes_by_the_threshold_that_callers_get(pipeline: Pipeline) -> None:
    pipeline.write(**REFUNDS)
    golden = asking(pipeline, "a.md")
    strict = golden.having(retrieval={"topK": 1, "minScore": 99})

    message = refused(strict.build("r1"), "goldenQuestions")

    assert "finds nothing that reaches retrieval.minScore, not a.md" in message
    assert golden.build("r2").outcome == "swapped"


def test_a_golden_question_whose_source_is_no_document_names_the_nearest(
    pipeline: Pipeline,
) -> None:
    pipeline.write(**REFUNDS)
    message = refused(asking(pipeline, "aa.md").build("r1"), "goldenQuestions")
    assert "aa.md names no document, the nearest is a.md" in message
    assert asking(pipeline, "a.md").build("r2").outcome == "swapped"


def test_an_endpoint_that_refuses_is_no_failed_gate(pipeline: Pipeline, endpoint: Endpoint) -> None:
    pipeline = openai(asking(pipeline, "a.md"), endpoint)
    pipeline.write(**REFUNDS)
    pipeline.load("r1")
    endpoint.told.always = 400
    with pytest.raises(EmbeddingRejectedError):
        pipeline.index("r1")
    assert pipeline.value("SELECT state FROM index_version") == "building"
    endpoint.told.always = None
    assert pipeline.index("r1").outcome == "swapped"


@pytest.mark.row(16, "the planner does not use the index")
def test_a_planner_that_scans(pipeline: Pipeline) -> None:
    write_words(pipeline, 5_000)
    with role_with(pipeline, "enable_indexscan", "off") as scanning:
        message = refused(scanning.build("r1"), "planner")
        assert "an exact scan for" in message
        assert pipeline.value("SELECT number FROM live") is None
    report = pipeline.build("r2")
    assert report.outcome == "swapped"
    assert verdict(report, "planner") == (True, "the index for 5000 chunks")


@pytest.mark.row(16, "the index finds too little")
def test_an_index_that_finds_too_little(pipeline: Pipeline, endpoint: Endpoint) -> None:
    """Vectors without any neighbourhood are the hardest for HNSW."""
    write_words(pipeline, 3_000)
    pipeline = openai(pipeline, endpoint, dimensions=256)
    with role_with(pipeline, "hnsw.ef_search", "10") as hasty:
        message = refused(hasty.build("r1"), "minRecall")
        assert "a higher hnsw.ef_search finds more" in message
    with role_with(pipeline, "hnsw.ef_search", "200") as thorough:
        report = thorough.build("r2")
        assert report.outcome == "swapped", report

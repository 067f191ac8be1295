"""A build whose embedding endpoint fails: what concerns one text fails its document alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.programs import on_loopback
from ragwright_core.contract import EXIT_INPUT, ORDER_FILE_ENV
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest.failures import exit_code
from ragwright_ingest.main import run
from tests.integration.conftest import Pipeline
from tests.kit.hostile.embedding import (
    DIMENSIONS,
    fails_for,
    items,
    texts_of,
    well,
)
from tests.kit.hostile.endpoint import Asked, Hostile, Said, Say, hostile


def zero_for_poison(asked: Asked) -> Said:
    found = [
        {**item, "embedding": [0.0] * DIMENSIONS} if "POISON" in text else item
        for item, text in zip(items(asked), texts_of(asked), strict=True)
    ]
    return Said({"data": found})


@pytest.fixture
def endpoint() -> Iterator[Hostile]:
    with hostile(well) as served:
        yield served


@pytest.fixture
def embedding(pipeline: Pipeline, endpoint: Hostile) -> Pipeline:
    pipeline.write(a="# Good", b="# POISON", c="# Good too")
    model = {"provider": "openai", "model": "m", "dimensions": DIMENSIONS, "baseUrl": endpoint.url}
    return pipeline.having(embedding=model, reindex={"gates": {"maxFailedDocuments": 50}})


@pytest.mark.parametrize(
    "say",
    [
        fails_for("POISON", Said({}, 500)),
        fails_for("POISON", Said({"error": {"message": "input too large", "code": 500}})),
        fails_for("POISON", Said(status=0)),
        fails_for("POISON", Said({}, 413)),
        fails_for("POISON", Said(b"<html>blocked", 403)),
        zero_for_poison,
    ],
    ids=["500", "500 within 200", "no reply", "413", "a firewall's 403", "a zero vector"],
)
def test_one_text_that_no_endpoint_embeds_fails_its_document_alone(
    embedding: Pipeline, endpoint: Hostile, say: Say
) -> None:
    endpoint.say = say
    report = embedding.build("r1")
    assert report.outcome == "swapped"
    assert (report.counts.documents, report.counts.failed, report.counts.chunks) == (3, 1, 2)
    (named,) = report.failed_documents
    assert named.startswith(f"b.md: {endpoint.url} ")


@pytest.mark.parametrize(
    ("said", "reason", "words"),
    [
        (
            Said(b"<html>sign in"),
            Reason.EMBEDDING_REJECTED,
            "(a web page): check embedding.baseUrl",
        ),
        (Said({}, 404), Reason.EMBEDDING_REJECTED, "(HTTP 404): check embedding.baseUrl and model"),
        (Said({"data": [{}]}), Reason.EMBEDDING_REJECTED, "did not answer with embeddings"),
    ],
)
def test_what_concerns_all_ends_the_load_in_words(
    embedding: Pipeline, endpoint: Hostile, said: Said, reason: Reason, words: str
) -> None:
    endpoint.say = lambda _: said
    with pytest.raises(Exception, match="embedd") as told:
        embedding.load("r1")
    assert not isinstance(told.value, ProblemError)
    assert words in str(told.value)
    report = run("load", _environment(embedding), adjusted=lambda _: embedding.around)
    assert report.problem is not None
    assert report.problem.reason == reason
    assert words in report.problem.message


def _environment(pipeline: Pipeline) -> dict[str, str]:
    return pipeline.environment("r1", pipeline.folder / "report")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://169.254.169.254/v1"])
def test_the_program_contacts_no_address_of_its_machine(embedding: Pipeline, url: str) -> None:
    """With the network of a pod, and not that of the tests."""
    named = {**embedding.spec.embedding.model_dump(), "baseUrl": url}
    there = embedding.having(embedding=named)
    report = run("load", _environment(there), adjusted=lambda a: replace(a, folders=there.folders))
    assert exit_code(report) == EXIT_INPUT
    assert report.problem is not None
    assert "which a pipeline may not contact" in report.problem.message


def test_the_program_contacts_only_hosts_that_are_allowed(
    embedding: Pipeline, endpoint: Hostile
) -> None:
    order = embedding.order("r1").model_copy(update={"allowed_hosts": ["elsewhere.example"]})
    environment = {**_environment(embedding), ORDER_FILE_ENV: str(embedding.write_order(order))}
    report = run(
        "load",
        environment,
        adjusted=lambda a: on_loopback(replace(a, folders=embedding.folders)),
    )
    assert report.problem is not None
    assert "not among the hosts that the administrator allows" in report.problem.message
    assert endpoint.asked == []

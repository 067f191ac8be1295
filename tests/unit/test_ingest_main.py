"""Every end of a Job is a report in words, and no report or log holds a secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import LogCapture

from ragwright_core.embedding import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
)
from ragwright_core.handover import BuildOrder, Identity
from ragwright_core.names import BUILD_ENV
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_core.spec import RagPipelineSpec
from ragwright_ingest import golive, main
from ragwright_ingest.main import exit_code, run

SECRET = "correct-horse-battery"


@pytest.fixture
def log() -> Iterator[LogCapture]:
    before = structlog.get_config()
    capture = LogCapture()
    structlog.configure(processors=[structlog.processors.format_exc_info, capture])
    yield capture
    structlog.configure(**before)


@pytest.fixture
def order() -> str:
    return BuildOrder(
        pipeline=Identity(namespace="n", name="p", uid="u", cluster="c"),
        request="r",
        reason="why",
        spec=RagPipelineSpec.model_validate(
            {"sources": [{"name": "docs", "configMap": {"name": "docs"}}]}
        ),
        index_memory_bytes=2**26,
    ).model_dump_json()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://user:{SECRET}@127.0.0.1:1/db", "nothing listens there"),
        (f"user:{SECRET}@127.0.0.1/db", "not a valid postgresql:// URI"),
        (f"postgresql://user:{SECRET}@nowhere.invalid/db", "host name is not known"),
        (f"postgresql://127.0.0.1:1/db?passwrd={SECRET}", "cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_had(
    url: str, words: str, order: str, log: LogCapture, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run("load", {BUILD_ENV: order, "VECTOR_DB_URL": url})

    assert report.problem is not None
    assert report.problem.reason is Reason.DATABASE_UNAVAILABLE
    assert words in report.problem.message
    assert exit_code(report) == 1
    said = report.message().decode() + str(log.entries) + "".join(capsys.readouterr())
    assert SECRET not in said


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (ProblemError(Reason.SOURCE_EMPTY, "m"), Reason.SOURCE_EMPTY, 42),
        (ProblemError(Reason.SOURCE_CHANGED, "m"), Reason.SOURCE_CHANGED, 1),
        (SecretMissingError("m"), Reason.SECRET_MISSING, 42),
        (EmbeddingUnavailableError("m"), Reason.EMBEDDING_UNAVAILABLE, 1),
        (EmbeddingRejectedError("m"), Reason.EMBEDDING_REJECTED, 42),
        (ZeroDivisionError("m"), Reason.INTERNAL, 1),
    ],
)
def test_every_error_has_a_reason_and_a_code(
    error: Exception, reason: Reason, code: int, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Report:
        raise error

    monkeypatch.setattr(golive, "index", fail)

    report = run("index", {BUILD_ENV: order, "VECTOR_DB_URL": "postgresql://x/y"})

    assert report.outcome == "failed"
    assert report.problem is not None
    assert report.problem.reason is reason
    assert exit_code(report) == code


def test_no_order_and_no_database_are_told(order: str, log: LogCapture) -> None:
    without_order = run("load", {})
    without_database = run("load", {BUILD_ENV: order})

    assert without_order.problem is not None
    assert BUILD_ENV in without_order.problem.message
    assert without_database.problem is not None
    assert without_database.problem.reason is Reason.SECRET_MISSING


def test_help_suffices(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["ragwright-ingest", "--help"])

    with pytest.raises(SystemExit) as stopped:
        main.main()

    assert stopped.value.code == 0
    told = capsys.readouterr().out
    for word in ("load", "index", "cleanup", BUILD_ENV, "VECTOR_DB_URL_FILE", "42"):
        assert word in told

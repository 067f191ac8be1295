"""Every end of a Job is a report in words, and no report or log holds a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture

from ragwright_core.contract import ORDER_FILE, ORDER_FILE_ENV
from ragwright_core.embedding import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
)
from ragwright_core.names import Identity
from ragwright_core.orders import BuildOrder, BuildSpec
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.failures import exit_code
from ragwright_ingest.main import Command, main, run
from ragwright_ingest.surroundings import Surroundings

SECRET = "correct-horse-battery"


@pytest.fixture
def log() -> Iterator[LogCapture]:
    before = structlog.get_config()
    capture = LogCapture()
    structlog.configure(processors=[structlog.processors.format_exc_info, capture])
    yield capture
    structlog.configure(**before)


@pytest.fixture
def order(tmp_path: Path) -> str:
    made = BuildOrder(
        pipeline=Identity(namespace="n", name="p", uid="u", cluster="c"),
        request="r",
        why="why",
        spec=BuildSpec.model_validate(
            {"sources": [{"name": "docs", "configMap": {"name": "docs"}}]}
        ),
        index_memory_bytes=2**26,
    )
    file = tmp_path / "order.json"
    file.write_text(made.model_dump_json())
    return str(file)


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
    report = run("load", {ORDER_FILE_ENV: order, "VECTOR_DB_URL": url})

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
    error: Exception, reason: Reason, code: int, order: str
) -> None:
    def fail(order: BuildOrder, around: Surroundings) -> Report:
        raise error

    commands = {"index": Command(BuildOrder, fail, "fails")}
    environment = {ORDER_FILE_ENV: order, "VECTOR_DB_URL": "postgresql://x/y"}
    report = run("index", environment, commands=commands)

    assert report.outcome == "failed"
    assert report.problem is not None
    assert report.problem.reason is reason
    assert exit_code(report) == code


def test_of_an_error_that_nobody_foresaw_only_type_and_place_are_told(
    order: str, log: LogCapture, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(order: BuildOrder, around: Surroundings) -> Report:
        raise ValueError(f"invalid literal: {SECRET}")

    commands = {"index": Command(BuildOrder, fail, "fails")}
    environment = {ORDER_FILE_ENV: order, "VECTOR_DB_URL": "postgresql://x/y"}
    report = run("index", environment, commands=commands)

    [line] = [entry for entry in log.entries if "nobody foresaw" in entry["event"]]
    assert line["error"] == "ValueError"
    assert "ingest/test_main.py" in line["at"]
    said = report.message().decode() + str(log.entries) + "".join(capsys.readouterr())
    assert SECRET not in said


def test_no_order_and_no_database_are_told(order: str, log: LogCapture) -> None:
    without_order = run("load", {})
    without_database = run("load", {ORDER_FILE_ENV: order})

    assert without_order.problem is not None
    assert f"mounts it at {ORDER_FILE}" in without_order.problem.message
    assert ORDER_FILE_ENV in without_order.problem.message
    assert without_database.problem is not None
    assert without_database.problem.reason is Reason.SECRET_MISSING


def change(order: str, **fields: object) -> None:
    file = Path(order)
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_an_order_of_another_release_is_read_and_its_strange_fields_are_named(
    order: str, log: LogCapture
) -> None:
    spec = json.loads(Path(order).read_text())["spec"]
    spec["chunking"] |= {"byHeadings": True}
    change(order, spec=spec, priority=3)

    report = run("load", {ORDER_FILE_ENV: order})

    assert report.problem is not None
    assert report.problem.reason is Reason.SECRET_MISSING, "it went on to the stores"
    [line] = [entry for entry in log.entries if entry["event"] == "fields of another release"]
    assert (line["of"], line["fields"]) == ("order", ["priority", "spec.chunking.byHeadings"])


@pytest.mark.usefixtures("log")
def test_an_order_is_not_guessed_at(order: str) -> None:
    spec = json.loads(Path(order).read_text())["spec"]
    change(order, spec=spec | {"retrieval": {"language": "klingon"}})

    report = run("load", {ORDER_FILE_ENV: order})

    assert report.problem is not None
    assert "spec.retrieval.language" in report.problem.message
    assert "run the same release" in report.problem.message


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("step", ["swap", "cleanup"])
def test_an_order_of_another_kind_is_refused(step: str, order: str) -> None:
    report = run(step, {ORDER_FILE_ENV: order, "VECTOR_DB_URL": "postgresql://x/y"})

    assert report.problem is not None
    assert "kind: Input should be" in report.problem.message


def test_help_suffices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])

    assert stopped.value.code == 0
    told = capsys.readouterr().out
    for word in ("load", "index", "cleanup", ORDER_FILE_ENV, "VECTOR_DB_URL_FILE", "42"):
        assert word in told

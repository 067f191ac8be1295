"""A termination message holds 4 KiB; the outcome and the reason always fit."""

from __future__ import annotations

import json

import pytest

from ragwright_core.report import MAX_BYTES, Problem, Reason, Report


def test_names_of_failed_documents_go_first() -> None:
    report = Report(
        outcome="loaded", number=3, failed_documents=[f"{n}: {'é' * 150}" for n in range(40)]
    )

    told = json.loads(report.message())

    assert len(report.message()) <= MAX_BYTES
    assert told["number"] == 3
    assert 5 < len(told["failedDocuments"]) < 40


@pytest.mark.parametrize("character", ["x", "é", "🦊", "\x01", '"'])
def test_the_worst_words_fit(character: str) -> None:
    report = Report(
        outcome="failed",
        source_revision=character * 500,
        warnings=[character * 300] * 5,
        failed_documents=[character * 150] * 10,
        problem=Problem(reason=Reason.GATE_FAILED, message=character * 700),
    )

    told = Report.model_validate_json(report.message())

    assert len(report.message()) <= MAX_BYTES
    assert told.outcome == "failed"
    assert told.problem is not None
    assert told.problem.reason is Reason.GATE_FAILED

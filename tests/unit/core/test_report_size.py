"""A termination message holds 4 KiB; the outcome and the reason always fit."""

from __future__ import annotations

import json

import pytest

from ragwright_core.report import MAX_BYTES, Problem, Reason, Report, Verdict


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


def test_names_of_failed_gates_stay_to_the_last() -> None:
    words = "é" * 300
    verdicts = [Verdict(gate=f"gate{n}", ok=n > 2, want=words, got=words) for n in range(8)]
    report = Report(
        outcome="failed",
        number=7,
        verdicts=verdicts,
        moved=["é" * 150] * 10,
        warnings=["é" * 300] * 5,
        problem=Problem(reason=Reason.GATE_FAILED, message="é" * 700),
    )

    told = Report.model_validate_json(report.message())

    assert len(report.message()) <= MAX_BYTES
    assert [item.gate for item in told.verdicts if not item.ok] == ["gate0", "gate1", "gate2"]

"""The fault suite's table: a row that failed, was skipped or fell short never looks ok."""

from __future__ import annotations

import pytest

from tests.kit.faults.table import FIGURE, ROW, Table


def report(when: str, outcome: str, **figure: object) -> pytest.TestReport:
    properties = [(ROW, (6, "conflicts"))] + ([(FIGURE, figure)] if figure else [])
    return pytest.TestReport(
        nodeid="tests/faults/test_x.py::test_x",
        location=("x", 0, "x"),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=None,
        when=when,  # type: ignore[arg-type]
        user_properties=properties,
        duration=1.5,
    )


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        (("passed", "passed", "passed"), "ok"),
        (("passed", "failed", "passed"), "failed"),
        (("passed", "passed", "failed"), "failed"),
        (("skipped", "passed"), "skipped"),
    ],
)
def test_a_row_is_ok_only_when_all_of_its_test_was(outcomes: tuple[str, ...], wanted: str) -> None:
    table = Table()
    for when, outcome in zip(("setup", "call", "teardown"), outcomes, strict=False):
        table.take(report(when, outcome))
    [line] = table.ordered()
    assert line.outcome == wanted
    assert table.goals()[0].ok is (wanted == "ok")


def test_figures_become_goals() -> None:
    table = Table()
    table.take(report("call", "passed", name="jobs twice", got=1, at_most=0, at_least=None))
    assert [goal.line() for goal in table.goals()] == [
        "goal faults.row6.not_ok want <=0 got 0 ok",
        "goal faults.row6.jobs_twice want <=0 got 1 short",
    ]

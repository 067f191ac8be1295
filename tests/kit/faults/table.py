"""The table of the fault suite: each row's goal, its figure, and whether the goal was met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from dev.goals import Goal

# Properties travel with a test's report, also from another process (pytest-xdist).
ROW, FIGURE = "row", "figure"


@dataclass(frozen=True)
class Record:
    """Records a figure of a row: it goes to the table first, and is then asserted. `words` explain
    a figure that misses its goal."""

    keep: Callable[[Goal], None]

    def at_most(self, name: str, got: float, limit: float, words: str = "") -> None:
        self._add(Goal(name, got, at_most=limit), words)

    def at_least(self, name: str, got: float, limit: float, words: str = "") -> None:
        self._add(Goal(name, got, at_least=limit), words)

    def exactly(self, name: str, got: float, want: float, words: str = "") -> None:
        self._add(Goal(name, got, at_most=want, at_least=want), words)

    def _add(self, goal: Goal, words: str) -> None:
        self.keep(goal)
        assert goal.ok, f"{goal.line()}\n{words}"


@dataclass
class Line:
    """One test of a row."""

    row: int
    fault: str
    test: str
    outcome: str = "ok"
    seconds: float = 0.0
    figures: list[Goal] = field(default_factory=list)

    def take(self, report: pytest.TestReport) -> None:
        self.seconds += report.duration
        if report.failed:
            self.outcome = "failed"
        elif report.skipped and self.outcome == "ok":
            self.outcome = "skipped"
        if report.when == "call":
            self.figures = [Goal(**value) for name, value in _properties(report, FIGURE)]

    def as_json(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "fault": self.fault,
            "test": self.test,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 1),
            "figures": {
                goal.name: {"want": wanted(goal), "got": goal.got} for goal in self.figures
            },
        }

    def shown(self) -> str:
        figures = ", ".join(f"{goal.name} {goal.got:g} ({wanted(goal)})" for goal in self.figures)
        return f"{self.row:>3}  {self.outcome:<7}  {self.seconds:>6.1f} s  {self.fault}: {figures}"


@dataclass
class Table:
    """Filled from the reports of a session."""

    lines: dict[str, Line] = field(default_factory=dict)

    def take(self, report: pytest.TestReport) -> None:
        for _, (number, fault) in _properties(report, ROW):
            line = self.lines.setdefault(report.nodeid, Line(number, fault, report.nodeid))
            line.take(report)

    def ordered(self) -> list[Line]:
        return sorted(self.lines.values(), key=lambda line: (line.row, line.test))

    def goals(self) -> list[Goal]:
        """A goal for each row, that none of its tests failed or was skipped; then the figures."""
        return [*_row_goals(self.ordered()), *_figure_goals(self.ordered())]


def wanted(goal: Goal) -> str:
    if goal.at_most is not None and goal.at_most == goal.at_least:
        return f"={goal.at_most:g}"
    return f"<={goal.at_most:g}" if goal.at_most is not None else f">={goal.at_least:g}"


def _row_goals(lines: Sequence[Line]) -> list[Goal]:
    rows: dict[int, int] = {}
    for line in lines:
        rows[line.row] = rows.get(line.row, 0) + (line.outcome != "ok")
    return [Goal(f"faults.row{row}.not_ok", count, at_most=0) for row, count in rows.items()]


def _figure_goals(lines: Sequence[Line]) -> list[Goal]:
    return [
        Goal(f"faults.row{line.row}.{_slug(goal.name)}", goal.got, goal.at_most, goal.at_least)
        for line in lines
        for goal in line.figures
    ]


def _slug(name: str) -> str:
    return name.lower().replace(" ", "_")


def _properties(report: pytest.TestReport, name: str) -> list[tuple[str, Any]]:
    return [(found, value) for found, value in report.user_properties if found == name]

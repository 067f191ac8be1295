"""Goals of benchmarks: the wanted and the measured figure, with one line for each goal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "bench" / "results"


@dataclass(frozen=True)
class Goal:
    """`got` must be at most `at_most`, or at least `at_least`; one of the two is given."""

    name: str
    got: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ok(self) -> bool:
        below = self.at_most is None or self.got <= self.at_most
        return below and (self.at_least is None or self.got >= self.at_least)

    def line(self) -> str:
        want = f"<={self.at_most:g}" if self.at_most is not None else f">={self.at_least:g}"
        return f"goal {self.name} want {want} got {self.got:g} {'ok' if self.ok else 'short'}"


def conclude(name: str, goals: Sequence[Goal], table: Sequence[dict[str, Any]]) -> int:
    """Print the goals, write table and goals to bench/results/NAME.json; 1 when one is short."""
    for goal in goals:
        print(goal.line())
    RESULTS.mkdir(exist_ok=True)
    result = {"goals": [{**asdict(goal), "ok": goal.ok} for goal in goals], "table": list(table)}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    return 0 if all(goal.ok for goal in goals) else 1


def write_table(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows as Markdown, and keep them in bench/results/NAME.md."""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(value) for value in row.values()] for row in rows)]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    print(text, end="")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile; 0 for no values."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

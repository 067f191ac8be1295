"""From scores to the table and the goals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.eval.bootstrap import Difference, difference
from bench.eval.peers.material import CUTS
from bench.eval.score import Scored
from dev.goals import Goal, conclude

IN_MEMORY = "BM25 in memory"


def report(
    ours: Sequence[Scored],
    peers: Sequence[Scored],
    *,
    every: int,
    held_out: Sequence[int],
    longest: int,
) -> int:
    """Figures and goals over the questions that the weights were not chosen on; 1 when a goal is
    short. The first of `ours` is held against the peers; `longest` chunk in tokens."""
    in_postgres = _best([item for item in peers if IN_MEMORY not in item.name], held_out)
    in_memory = _best([item for item in peers if IN_MEMORY in item.name], held_out)
    over_postgres = _compare(ours[0], in_postgres, held_out)
    over_memory = _compare(ours[0], in_memory, held_out)
    table = [
        {"row": "questions", "asked": every, "held_out": len(held_out)},
        *(item.row(held_out) for item in [*ours, *peers]),
        _compared(ours[0], in_postgres, over_postgres),
        _compared(ours[0], in_memory, over_memory),
    ]
    if len(held_out) < every:
        table += [{**item.row(range(every)), "of": "all"} for item in [*ours, *peers]]
    _show(table)
    goals = _goals(ours[0], over_postgres, over_memory, held_out)
    return conclude("eval", [Goal("longest-chunk-tokens", longest, at_most=200), *goals], table)


def _goals(
    ours: Scored, over_postgres: Difference, over_memory: Difference, held_out: Sequence[int]
) -> list[Goal]:
    """Our goal is to beat the peers' hybrid search in Postgres. The table also shows their results
    with every text in the memory of one process."""
    return [
        Goal("r5-over-best-peer-in-postgres", round(over_postgres.mean, 1), at_least=8),
        Goal("r5-over-best-peer-in-postgres-low", round(over_postgres.low, 1), at_least=4),
        Goal("r5-over-best-peer-in-memory", round(over_memory.mean, 1), at_least=8),
        Goal("r5-stretch", ours.row(held_out)["r5"], at_least=88),
    ]


def _best(scored: Sequence[Scored], questions: Sequence[int]) -> Scored:
    return max(scored, key=lambda item: sum(item.at(CUTS[0], questions)))


def _compare(ours: Scored, theirs: Scored, questions: Sequence[int]) -> Difference:
    return difference(ours.at(CUTS[0], questions), theirs.at(CUTS[0], questions))


def _compared(ours: Scored, theirs: Scored, found: Difference) -> dict[str, Any]:
    interval = {key: round(value, 1) for key, value in vars(found).items()}
    return {"row": f"R@5 of {ours.name} less {theirs.name}", **interval}


def _show(table: Sequence[dict[str, Any]]) -> None:
    for row in table:
        figures = "  ".join(f"{key} {value}" for key, value in row.items() if key != "row")
        print(f"  {row['row']:<58} {figures}", flush=True)

"""`make bench-savings`: prints a table and its goals, and writes bench/results/savings.*."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from bench.goals import RESULTS, Goal, conclude
from bench.savings.day import ASKED, DAY_SECONDS
from bench.savings.replay import Day, live_a_day

EXPONENTS = (0.7, 1.0, 1.2)
# The row that the goals stand on.
JUDGED = 1.0


def row(day: Day) -> dict[str, Any]:
    told = day.metrics
    tokens = told["llm_tokens"] + told["llm_tokens_saved"]
    counts = day.reindex.counts
    return {
        "row": f"Zipf s = {day.exponent}",
        "distinct": day.distinct,
        "llm_calls": day.llm_calls,
        "llm_saved_percent": round(day.llm_saved, 1),
        "tokens_saved_percent": round(100 * told["llm_tokens_saved"] / tokens, 1),
        "embeddings": len(day.texts),
        "embeddings_without": day.embeddings_without,
        "embeddings_saved_percent": round(day.embeddings_saved, 1),
        "together_saved_percent": round(day.together_saved, 1),
        "reindex": f"{counts.embedded} of {counts.chunks} chunks embedded",
        "not_answered": ASKED - day.statuses[200],
        # Redis did not answer within the 50 ms of a question, which was answered without it.
        "redis_given_up": round(told["redis_failures"]),
        "took_by_day": round(day.took_seconds / DAY_SECONDS, 3),
    }


def goals(days: dict[float, Day]) -> list[Goal]:
    judged = days[JUDGED]
    failed = sum(ASKED - day.statuses[200] for day in days.values())
    return [
        Goal("llm-calls-saved-percent", round(judged.llm_saved, 1), at_least=40),
        Goal("embeddings-saved-percent", round(judged.embeddings_saved, 1), at_least=60),
        Goal("together-saved-percent", round(judged.together_saved, 1), at_least=50),
        Goal("failed", failed, at_most=0),
        Goal("metrics-off-by", sum(day.metrics_off_by for day in days.values()), at_most=0),
        # Later, more would have expired than in the day that is meant.
        Goal(
            "longest-day-by-day",
            round(max(day.took_seconds for day in days.values()) / DAY_SECONDS, 3),
            at_most=1.02,
        ),
    ]


def markdown(table: list[dict[str, Any]]) -> str:
    names = list(table[0])
    lines = [names, ["---"] * len(names), *([str(item[name]) for name in names] for item in table)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


async def main() -> int:
    days: dict[float, Day] = {}
    for exponent in EXPONENTS:
        days[exponent] = await live_a_day(exponent)
        print("  ".join(f"{key} {value}" for key, value in row(days[exponent]).items()), flush=True)
    table = [row(day) for day in days.values()]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "savings.md").write_text(markdown(table))
    return conclude("savings", goals(days), table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

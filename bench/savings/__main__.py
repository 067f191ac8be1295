"""`make bench-savings`: prints a table and its goals, and writes bench/results/savings.*."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from bench.savings.day import ASKED, DAY_SECONDS
from bench.savings.replay import Day, live_a_day
from dev.goals import Goal, conclude, write_table

EXPONENTS = (0.7, 1.0, 1.2)
# The row that the goals stand on.
JUDGED = 1.0


def row(day: Day) -> dict[str, Any]:
    told, counts = day.metrics, day.reindex.counts
    tokens = told["llm_tokens"] + told["llm_tokens_saved"]
    return {
        "asked as often as": f"Zipf, s = {day.exponent}",
        "distinct questions": day.distinct,
        "LLM calls": day.llm_calls,
        "LLM calls saved %": round(day.llm_saved, 1),
        "tokens saved %": round(100 * told["llm_tokens_saved"] / tokens, 1),
        "embeddings": len(day.texts),
        "embeddings saved %": round(day.embeddings_saved, 1),
        "together saved %": round(day.together_saved, 1),
        "reindex: chunks embedded": f"{counts.embedded} of {counts.chunks}",
        "not answered": ASKED - day.statuses[200],
        # Where Redis does not answer within the 50 ms of a question, it is answered without.
        "Redis calls given up": round(told["redis_failures"]),
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


async def main() -> int:
    days: dict[float, Day] = {}
    for exponent in EXPONENTS:
        days[exponent] = await live_a_day(exponent)
        print(f"  Zipf, s = {exponent}: took {days[exponent].took_seconds:.1f} s", flush=True)
    table = [row(day) for day in days.values()]
    write_table("savings", table)
    return conclude("savings", goals(days), table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

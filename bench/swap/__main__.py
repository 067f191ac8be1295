"""`make bench-swap`: prints a table and its goals, and writes bench/results/swap.json."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any

from bench.swap.rebuild import Felt, search_during_rebuild
from bench.swap.run import SWAPS, Swapped, SwapRow, hundred_swaps
from bench.swap.textbook import textbook_rows
from dev.goals import Goal, conclude, percentile
from dev.stack import stack


def swap_table(rows: list[SwapRow]) -> list[dict[str, Any]]:
    return [
        {
            "row": f"swap {row.number}" + (f", {row.condition}" if row.condition else ""),
            "swap_ms": row.swap_ms,
            "attempts": row.attempts,
            "after_verdict_ms": row.after_verdict_ms,
            "before_p99_ms": round(percentile(row.before, 99) * 1000, 1),
            "across_p99_ms": round(percentile(row.across, 99) * 1000, 1),
        }
        for row in rows
    ]


def swap_goals(done: Swapped) -> list[Goal]:
    rows, by_name, timeline = done.rows, done.by_name, done.http.timeline
    verdicts = timeline.tally.verdicts
    before = percentile([seconds for row in rows for seconds in row.before], 99)
    across = percentile([seconds for row in rows for seconds in row.across], 99)
    kinds = Counter(row.condition for row in rows)
    return [
        Goal("swaps", len(rows), at_least=SWAPS),
        Goal("changes-of-dimensions", kinds["other dimensions"], at_least=10),
        Goal("rollbacks", kinds["rollback"], at_least=10),
        Goal("failed", verdicts["failed"] + by_name.errors, at_most=0),
        Goal("mixed", verdicts["mixed"] + by_name.mixed, at_most=0),
        Goal("stale", timeline.stale, at_most=0),
        Goal("empty", verdicts["unmarked"] + by_name.empty, at_most=0),
        Goal("stalled-job-changed", done.stalled_changed, at_most=0),
        Goal("slowest-swap-ms", max(row.swap_ms for row in rows), at_most=250),
        Goal("slowest-after-verdict-ms", max(row.after_verdict_ms for row in rows), at_most=1000),
        Goal("p99-across-by-before", round(across / before, 2), at_most=1.5),
    ]


def rebuild_goal(felt: Felt) -> Goal:
    return Goal("rebuild-p99-by-idle", round(felt.rebuilding / felt.idle, 2), at_most=3.0)


def show(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        figures = "  ".join(f"{key} {value}" for key, value in row.items() if key != "row")
        print(f"  {row['row']:<50} {figures}"[:110], flush=True)


def _is_ordinary(row: dict[str, Any]) -> bool:
    """One of a hundred that is like the others: in the file, not on the screen."""
    return str(row["row"]).startswith("swap ") and "held" not in str(row["row"])


async def main() -> int:
    with stack("swap") as stores:
        done = await hundred_swaps(stores, stores.folder / "swap")
    with stack("textbook") as stores:
        baseline = await asyncio.to_thread(textbook_rows, stores.database_url)
    with stack("rebuild") as stores:
        felt = await search_during_rebuild(stores, stores.folder / "rebuild")
    readers = {
        "row": "readers",
        "asked": done.http.timeline.tally.verdicts.total(),
        "read_by_name": done.by_name.reads,
    }
    rebuild = {
        "row": "search while a rebuild runs",
        "idle_p99_ms": round(felt.idle * 1000, 1),
        "rebuilding_p99_ms": round(felt.rebuilding * 1000, 1),
        "asked": felt.asked,
    }
    table = [*swap_table(done.rows), readers, *baseline, rebuild]
    show([row for row in table if not _is_ordinary(row)])
    return conclude("swap", [*swap_goals(done), rebuild_goal(felt)], table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""`make bench-cut`: prints a table and its goals, and writes bench/results/cut.*."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import Any

from dev.goals import Goal, conclude, write_table
from ragwright_core.spec import Chunking
from ragwright_ingest.formats.find import known_formats
from ragwright_ingest.loading.chunk import chunks

MEGABYTE = 10**6
FEW, MANY = 1, 10
RUNS = 5
_DRAW = random.Random(1)
_WORDS = ["".join(_DRAW.choices("abcdefghijklmnop", k=_DRAW.randint(2, 9))) for _ in range(5000)]

# Texts without a line break, but the last two; each of them once took the square of its length.
TEXTS: dict[str, Callable[[int], str]] = {
    "one letter": lambda size: "x" * size,
    "one line of words": lambda size: " ".join(_DRAW.choices(_WORDS, k=size // 5))[:size],
    "minified JSON": lambda size: ('{"key":12345,' * (size // 13 + 1))[:size],
    "Chinese": lambda size: "如何使用插槽传递内容" * (size // 30),
    "a table of Markdown": lambda size: "|a|b|\n|-|-|\n" + "|some|cell|\n" * (size // 12 - 1),
    "a list": lambda size: "- item of a list\n" * (size // 17),
}


def seconds(text: str) -> tuple[float, int]:
    """Of the processor, in the fastest of some runs; and how many chunks were made."""
    parsed = known_formats().parse("a.md", text.encode())
    took = []
    for _ in range(RUNS):
        began = time.process_time()
        made = len(chunks(parsed, Chunking()))
        took.append(time.process_time() - began)
    return min(took), made


def row(name: str) -> dict[str, Any]:
    (few, _), (many, made) = (seconds(TEXTS[name](size * MEGABYTE)) for size in (FEW, MANY))
    return {
        "text": name,
        f"{FEW} MB, s": round(few, 3),
        f"{MANY} MB, s": round(many, 3),
        "times as long": round(many / few, 1),
        "chunks": made,
    }


def main() -> int:
    table = [row(name) for name in TEXTS]
    write_table("cut", table)
    longest = max(row["times as long"] for row in table)
    return conclude(
        "cut", [Goal("ten-times-the-text-takes-times-as-long", longest, at_most=15)], table
    )


if __name__ == "__main__":
    sys.exit(main())

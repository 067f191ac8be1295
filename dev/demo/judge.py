"""Failed, mixed, stale: judged from the text of answers, never from a field the API fills in.

Runs in the cluster beside `asker.py`, and in the tests and benchmarks.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

MARK = re.compile(r"\[r(\d+)\]")
TIME_LIMIT_SECONDS = 5.0


def stamp(text: str, revision: int) -> str:
    """Write a mark of the revision before each sentence's end and after each line with words."""
    mark = f"[r{revision}]"
    sentences = re.sub(r"(?<=[\w)`'\"*])([.?!])(?=\s)", rf" {mark}\1", text)
    lines = (
        f"{line} {mark}" if re.search(r"\w", line) and mark not in line[-12:] else line
        for line in sentences.splitlines()
    )
    return "\n".join(lines) + "\n"


def revisions(answer: str) -> frozenset[int]:
    return frozenset(int(number) for number in MARK.findall(answer))


@dataclass(frozen=True)
class Reply:
    """One question's outcome. `reported` is the revision reported before the question was sent."""

    status: int
    seconds: float
    answer: str
    reported: int


def verdict(reply: Reply) -> str:
    """failed, mixed, stale, unmarked (its text carries no revision, so it proves nothing) or ok."""
    if reply.status != 200 or reply.seconds > TIME_LIMIT_SECONDS:
        return "failed"
    found = revisions(reply.answer)
    if not found:
        return "unmarked"
    if len(found) > 1:
        return "mixed"
    return "stale" if max(found) < reply.reported else "ok"


@dataclass
class Tally:
    """Counts of verdicts, and of the revisions that answers came from."""

    verdicts: Counter[str] = field(default_factory=Counter)
    answered_from: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    first_failures: list[str] = field(default_factory=list)

    def add(self, reply: Reply) -> None:
        outcome = verdict(reply)
        self.verdicts[outcome] += 1
        self.answered_from.update(revisions(reply.answer))
        self.slowest = max(self.slowest, reply.seconds)
        if outcome not in ("ok", "unmarked") and len(self.first_failures) < 5:
            self.first_failures.append(f"{outcome}: {reply.status} {reply.answer[:200]}")

    def summary(self) -> dict[str, object]:
        return {
            "asked": self.verdicts.total(),
            **{name: self.verdicts[name] for name in ("failed", "mixed", "stale", "unmarked")},
            "answered_from": {str(key): count for key, count in self.answered_from.items()},
            "slowest": round(self.slowest, 3),
            "first_failures": self.first_failures,
        }

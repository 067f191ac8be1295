"""What is asked: the same again, something new, chunks, filters, nonsense; and some hang up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["again", "new", "anew", "chunks", "filtered", "bad", "hung up"]

SHARES: dict[Kind, int] = {
    "again": 50, "new": 25, "anew": 8, "chunks": 5, "filtered": 5, "bad": 4, "hung up": 3,
}  # fmt: skip
POPULAR = 200
BAD: tuple[dict[str, Any], ...] = (
    {"question": ""},
    {"question": 7},
    {"question": "What is a form?", "filters": {"$near": 1}},
    {"question": "What is a form?", "unknown": True},
    {"question": "x" * 100_000},
)


@dataclass(frozen=True)
class Ask:
    kind: Kind
    path: str
    body: dict[str, Any]


@dataclass
class Mixture:
    """Draws by a seed; `again` are the first of `questions`."""

    questions: Sequence[str]
    paths: Sequence[str]
    seed: int
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def next(self) -> Ask:
        [kind] = self._draw.choices(list(SHARES), list(SHARES.values()))
        if kind == "bad":
            return Ask(kind, "query", self._draw.choice(BAD))
        known = self.questions[:POPULAR] if kind == "again" else self.questions
        body: dict[str, Any] = {"question": self._draw.choice(known)}
        if kind == "anew":
            body["use_cache"] = False
        if kind == "filtered":
            body["filters"] = {"path": {"$in": self._draw.sample(self.paths, 20)}}
        return Ask(kind, "retrieve" if kind == "chunks" else "query", body)

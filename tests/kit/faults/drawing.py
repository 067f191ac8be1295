"""Draws the faults of a chaos run from its seed. The same seed gives the same list."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

# The faults, with the weights with which they are drawn.
FAULTS = {
    "operator killed": 4,
    "second operator": 2,
    "API server answers 409": 2,
    "API server answers 500": 2,
    "watches end with an error": 2,
    "watches cut": 2,
    "Job pod killed": 4,
    "API pod killed": 2,
    "Redis pod killed": 2,
    "Postgres pod killed": 1,
    "spec changed there and back": 2,
    "pinned and let go": 2,
}
MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Drawn:
    fault: str
    pause: float


def cycles(seed: int) -> Iterator[tuple[Drawn, ...]]:
    """An endless series of cycles: the faults that follow one change of all documents."""
    drawing = random.Random(seed)
    names, weights = list(FAULTS), list(FAULTS.values())
    while True:
        count = drawing.randint(1, MOST_AT_ONCE)
        faults = drawing.choices(names, weights, k=count)
        yield tuple(Drawn(fault, round(drawing.uniform(0.5, 6.0), 1)) for fault in faults)

"""The confidence interval of a difference, by paired bootstrap over the questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 10_000


@dataclass(frozen=True)
class Difference:
    """The difference of two means over the same questions, with its 95 % interval."""

    mean: float
    low: float
    high: float


def difference(ours: Sequence[float], theirs: Sequence[float], seed: int = 1) -> Difference:
    """How much higher our mean is. Each draw takes as many questions, with repetition."""
    each = np.asarray(ours) - np.asarray(theirs)
    drawn = np.random.default_rng(seed).integers(0, len(each), size=(DRAWS, len(each)))
    low, high = np.percentile(each[drawn].mean(axis=1), [2.5, 97.5])
    return Difference(float(each.mean()), float(low), float(high))

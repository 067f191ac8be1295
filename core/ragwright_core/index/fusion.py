"""One order from two searches: by meaning and by words.

Cosines differ in their spread from model to model, and ranks of text search have no bound. So each
is scaled to [0, 1] among the candidates of one question before they are added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragwright_core.spec import Retrieval

# Of each search. 40 is hnsw.ef_search: what one walk through the ANN index finds anyway.
FEWEST_CANDIDATES = 40


@dataclass(frozen=True)
class Weights:
    """What each search counts; at least one is above 0."""

    dense: float
    lexical: float


def weights(retrieval: Retrieval) -> Weights:
    return Weights(retrieval.dense_weight, retrieval.lexical_weight)


def candidates(limit: int) -> int:
    """How many of each search to fuse, for `limit` results."""
    return max(FEWEST_CANDIDATES, 2 * limit)


def fuse(cosines: Sequence[float], ranks: Sequence[float], weights: Weights) -> list[int]:
    """Positions of the candidates, best first; of equals the nearer, then the earlier one.

    The farthest candidate's cosine and the rank 0, of a chunk that shares no word with the
    question, count nothing; the best of each search counts its whole weight.
    """
    meaning, words = _scaled(cosines, min(cosines, default=0.0)), _scaled(ranks, 0.0)
    scores = [
        weights.dense * near + weights.lexical * shared
        for near, shared in zip(meaning, words, strict=True)
    ]
    return sorted(range(len(scores)), key=lambda at: (-scores[at], -cosines[at], at))


def _scaled(values: Sequence[float], lowest: float) -> list[float]:
    """`lowest` to 0, the highest to 1; where all are `lowest`, all to 0."""
    spread = max(values, default=lowest) - lowest
    return [(value - lowest) / spread if spread > 0 else 0.0 for value in values]

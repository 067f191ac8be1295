"""One order from two searches: by meaning and by words.

Cosines differ in their spread from model to model, and ranks of text search have no bound. So each
is scaled to [0, 1] among the candidates of one question before they are added up. What answers
often goes on in the next chunk, so a candidate is lifted by the one beside it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ragwright_core.spec import Retrieval

# Of each search. 40 is hnsw.ef_search: what one walk through the ANN index finds anyway.
FEWEST_CANDIDATES = 40


@dataclass(frozen=True)
class Weights:
    """What each search counts; at least one is above 0."""

    dense: float
    lexical: float
    adjacent: float = 0.0


@dataclass(frozen=True)
class Candidate:
    """The chunk at `position` of a document: its cosine, and its rank by words."""

    document: Hashable
    position: int
    cosine: float
    rank: float


def weights(retrieval: Retrieval) -> Weights:
    return Weights(retrieval.dense_weight, retrieval.lexical_weight, retrieval.adjacent_weight)


def candidates(limit: int) -> int:
    """How many of each search to fuse, for `limit` results."""
    return max(FEWEST_CANDIDATES, 2 * limit)


def fuse(found: Sequence[Candidate], weights: Weights) -> list[int]:
    """Indexes of the candidates, best first; of equals the nearer, then the earlier one.

    The farthest candidate's cosine and the rank 0, of a chunk that shares no word with the
    question, count nothing; the best of each search counts its whole weight. Of its two
    neighbours, where they are candidates, the better one lends its share.
    """
    cosines = [item.cosine for item in found]
    meaning = _scaled(cosines, min(cosines, default=0.0))
    words = _scaled([item.rank for item in found], 0.0)
    own = {
        (item.document, item.position): weights.dense * near + weights.lexical * shared
        for item, near, shared in zip(found, meaning, words, strict=True)
    }

    def score(item: Candidate) -> float:
        beside = (own.get((item.document, item.position + step), 0.0) for step in (-1, 1))
        return own[item.document, item.position] + weights.adjacent * max(beside)

    scores = [score(item) for item in found]
    return sorted(range(len(found)), key=lambda at: (-scores[at], -cosines[at], at))


def _scaled(values: Sequence[float], lowest: float) -> list[float]:
    """`lowest` to 0, the highest to 1; where all are `lowest`, all to 0."""
    spread = max(values, default=lowest) - lowest
    return [(value - lowest) / spread if spread > 0 else 0.0 for value in values]

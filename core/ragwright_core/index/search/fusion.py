"""One order from two searches: by meaning and by words.

The spread of cosines differs from model to model, and ranks of text search have no bound. So each
is scaled to [0, 1] among the candidates of one question before they are added up. An answer often
goes on in the next chunk, so a candidate is lifted by the candidate beside it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ragwright_core.spec import Retrieval

# For each search. One walk through the ANN index finds 40 anyway (hnsw.ef_search).
FEWEST_CANDIDATES = 40


@dataclass(frozen=True)
class Weights:
    """The weight of each search; at least one is above 0."""

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
    return Weights(retrieval.dense_weight, retrieval.lexical_weight, retrieval.adjacent_share / 100)


def candidates(limit: int) -> int:
    """How many candidates of each search to fuse for `limit` results."""
    return max(FEWEST_CANDIDATES, 2 * limit)


def fuse(found: Sequence[Candidate], weights: Weights) -> list[int]:
    """Indexes of the candidates, best first. Among equals, the nearer and then the earlier comes
    first.

    The lowest cosine and the rank 0 (a chunk that shares no word with the question) count nothing;
    the best of each search counts its whole weight. A candidate also gets a share of the better of
    its two neighbours, if they are candidates.
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
    """Scale so that `lowest` becomes 0 and the highest 1; if all are `lowest`, all become 0."""
    spread = max(values, default=lowest) - lowest
    return [(value - lowest) / spread if spread > 0 else 0.0 for value in values]

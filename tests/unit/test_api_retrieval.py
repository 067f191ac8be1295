"""What was retrieved can be stored and read again, and what is unlike is left out."""

from __future__ import annotations

import numpy as np

from ragwright_api.nearest import Nearest, pack, unpack
from ragwright_api.retrieval import alike
from ragwright_api.search import Found


def found(score: float) -> Found:
    return Found(1, "docs", "a.md", None, "Title", 1, 2, "text", score)


def test_what_was_retrieved_comes_back_as_it_was() -> None:
    vector = np.random.default_rng(1).standard_normal(64, np.float32)
    nearest = Nearest((found(0.123456789012345678), found(-1e-17)), vector)
    stored = unpack(pack(nearest), 64)
    assert stored is not None
    assert stored.found == nearest.found
    assert np.array_equal(stored.vector, vector)


def test_what_is_no_such_value_is_not_taken_for_one() -> None:
    stored = pack(Nearest((found(0.5),), np.zeros(64, np.float32)))
    for other in (b"", b"\n", stored[:-1], stored + b"x", b"[{}]" + stored[stored.index(b"\n") :]):
        assert unpack(other, 64) is None
    assert unpack(stored, 65) is None


def test_the_threshold_is_a_score_that_is_still_enough() -> None:
    chunks = [found(score) for score in (0.8, 0.5, 0.2, -0.1)]
    assert [item.score for item in alike(chunks, 0.5)] == [0.8, 0.5]
    assert [item.score for item in alike(chunks, 0.0)] == [0.8, 0.5, 0.2, -0.1]

"""One order from two searches."""

from __future__ import annotations

import pytest

from ragwright_core.index.search.fusion import Candidate, Weights, candidates, weights
from ragwright_core.index.search.fusion import fuse as fuse_candidates
from ragwright_core.spec import Retrieval

EVEN = Weights(1, 1)


def fuse(cosines: list[float], ranks: list[float], given: Weights) -> list[int]:
    """Of candidates of as many documents."""
    pairs = enumerate(zip(cosines, ranks, strict=True))
    return fuse_candidates([Candidate(at, 0, *scores) for at, scores in pairs], given)


@pytest.mark.parametrize(("adjacent", "expected"), [(0.0, [0, 2, 1, 3]), (0.3, [0, 1, 2, 3])])
def test_what_stands_beside_a_good_chunk_is_lifted(adjacent: float, expected: list[int]) -> None:
    """By the better of its neighbours, and never over its own document's bounds."""
    found = [
        Candidate("a", 4, 0.9, 0.9),
        Candidate("a", 5, 0.2, 0.2),
        Candidate("b", 5, 0.3, 0.3),
        Candidate("a", 7, 0.1, 0.1),
    ]

    assert fuse_candidates(found, Weights(1, 1, adjacent)) == expected


def test_best_by_both_comes_first() -> None:
    #         far, shares most; near, shares nothing; near enough, shares enough
    cosines, ranks = [0.2, 0.6, 0.5], [0.10, 0.0, 0.09]

    assert fuse(cosines, ranks, EVEN) == [2, 1, 0], "of equals the nearer comes first"


@pytest.mark.parametrize(
    ("given", "expected"),
    [(Weights(1, 0), [1, 2, 0]), (Weights(0, 1), [0, 2, 1]), (Weights(10, 1), [1, 2, 0])],
)
def test_weights_decide(given: Weights, expected: list[int]) -> None:
    assert fuse([0.2, 0.6, 0.5], [0.10, 0.0, 0.09], given) == expected


def test_only_the_ratio_of_weights_counts() -> None:
    cosines, ranks = [0.9, 0.5, 0.7, 0.1], [0.0, 0.3, 0.2, 0.9]

    assert fuse(cosines, ranks, Weights(3, 6)) == fuse(cosines, ranks, Weights(1, 2))


def test_a_model_with_squeezed_cosines_counts_as_much() -> None:
    """Some models put every text between 0.7 and 0.9."""
    ranks = [0.0, 0.3, 0.2, 0.9]
    wide, squeezed = [0.9, 0.5, 0.7, 0.1], [0.90, 0.80, 0.85, 0.70]

    assert fuse(wide, ranks, Weights(1, 2)) == fuse(squeezed, ranks, Weights(1, 2))


def test_without_shared_words_meaning_decides() -> None:
    assert fuse([0.1, 0.3, 0.2], [0, 0, 0], Weights(0, 1)) == [1, 2, 0]
    assert fuse([0.1, 0.3, 0.2], [0, 0, 0], EVEN) == [1, 2, 0]


def test_equals_keep_their_order() -> None:
    assert fuse([0.5, 0.5, 0.5], [0.1, 0.1, 0.1], EVEN) == [0, 1, 2]


def test_nothing_and_one() -> None:
    assert fuse([], [], EVEN) == []
    assert fuse([-0.4], [0], EVEN) == [0]


def test_the_specs_weights_and_enough_candidates() -> None:
    given = Retrieval(dense_weight=3, lexical_weight=0, adjacent_share=50)
    assert weights(given) == Weights(3, 0, 0.5)
    assert [candidates(limit) for limit in (1, 5, 20, 50)] == [40, 40, 40, 100]

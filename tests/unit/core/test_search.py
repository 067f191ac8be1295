"""The way from a question to its chunks, fed with rows by hand: no database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from ragwright_core.filters import EVERYTHING, Filter, parse
from ragwright_core.index.search.found import Found, Searched, Wanted
from ragwright_core.index.search.fusion import Weights
from ragwright_core.index.search.run import Statement
from ragwright_core.index.search.search import EXACT_ROWS, best, is_exact_first, is_short
from ragwright_core.spec import Retrieval

VERSION = Searched(7, 64, "german")
VECTOR = np.ones(64, np.float32)
BY_MEANING, BY_BOTH = Weights(1, 0), Weights(1, 1)
FITS = parse({"team": "sales"})


def chunk(number: int, score: float) -> Found:
    return Found(number, "docs", f"{number}.md", None, "Title", "L1-L2", 1, 2, "text", score)


def chunks(*scores: float) -> list[Found]:
    return [chunk(number, score) for number, score in enumerate(scores)]


def ranked(chunks: list[Found], *ranks: float) -> list[dict[str, Any]]:
    """Rows of the statement by words, each of a document of its own."""
    rows = zip(chunks, ranks, strict=True)
    return [{**asdict(item), "rank": rank, "position": 0} for item, rank in rows]


def plan(rows: int) -> list[Any]:
    return [[{"Plan": {"Plan Rows": rows}}]]


def wanted(
    weights: Weights = BY_MEANING,
    filters: Filter = EVERYTHING,
    top_k: int = 3,
    threshold: float = 0.0,
) -> Wanted:
    return Wanted("wie lange?", filters, top_k, threshold, weights)


def asked(
    given: Wanted, *answers: Sequence[Any], version: Searched = VERSION
) -> tuple[list[Statement], tuple[Found, ...]]:
    """What is asked, one statement for each of the answers, and what is found then."""
    way = best(version, given, VECTOR)
    statements = [next(way), *(way.send(list(rows)) for rows in answers[:-1])]
    with pytest.raises(StopIteration) as end:
        way.send(list(answers[-1]))
    return statements, end.value.value


def text_of(statement: Statement) -> str:
    query = statement.query
    return query.decode() if isinstance(query, bytes) else query.as_string()


def test_by_meaning_alone_takes_one_statement_that_may_be_prepared() -> None:
    [nearest], found = asked(wanted(), chunks(0.9, 0.8, 0.7))

    assert [item.score for item in found] == [0.9, 0.8, 0.7]
    assert nearest.parameters["limit"] == 3
    assert nearest.prepare is None
    assert isinstance(nearest.query, bytes), "put together once"


def test_by_words_too_more_candidates_are_put_in_one_order() -> None:
    near = chunks(0.9, 0.5, 0.1)

    [nearest, beside], found = asked(wanted(BY_BOTH, top_k=2), near, ranked(near, 0.0, 0.9, 0.2))

    assert [item.id for item in found] == [1, 0]
    assert nearest.parameters["limit"] == beside.parameters["candidates"] == 40
    assert beside.parameters["near"] == [0, 1, 2]
    assert beside.parameters["language"] == "pg_catalog.german"
    assert beside.parameters["text"] == "wie lange?"


def test_a_version_without_text_search_is_asked_by_meaning() -> None:
    statements, found = asked(wanted(BY_BOTH), chunks(0.9), version=Searched(7, 64, None))

    assert (len(statements), len(found)) == (1, 1)


def test_a_threshold_is_applied_before_the_first_are_taken() -> None:
    """Else what shares most words and is too far would take the place of what is near enough."""
    near = chunks(0.9, 0.6, 0.5, 0.1)
    rows = ranked(near, 0, 0, 0.1, 0.9)

    _, all_of_them = asked(wanted(Weights(1, 9), top_k=2), near, rows)
    _, near_enough = asked(wanted(Weights(1, 9), top_k=2, threshold=0.5), near, rows)

    assert [item.id for item in all_of_them] == [3, 2]
    assert [item.id for item in near_enough] == [2, 0]


@pytest.mark.parametrize(
    ("threshold", "scores"),
    [(0.5, [0.8, 0.5]), (0.0, [0.8, 0.5, 0.2, -0.1]), (1.0, [])],
)
def test_the_threshold_is_a_score_that_is_still_enough(
    threshold: float, scores: list[float]
) -> None:
    given = wanted(top_k=4, threshold=threshold)

    _, found = asked(given, chunks(0.8, 0.5, 0.2, -0.1))

    assert [item.score for item in found] == scores


def test_where_few_chunks_fit_all_of_them_are_compared() -> None:
    [expected, nearest], found = asked(wanted(filters=FITS), plan(EXACT_ROWS), chunks(0.9))

    assert "EXPLAIN" in text_of(expected)
    assert "+ 0" in text_of(nearest)
    assert (expected.prepare, nearest.prepare) == (False, False), "their values decide the plan"
    assert len(found) == 1


def test_where_many_fit_the_index_is_asked_first() -> None:
    statements, found = asked(wanted(filters=FITS), plan(EXACT_ROWS + 1), chunks(0.9, 0.8, 0.7))

    assert "+ 0" not in text_of(statements[-1])
    assert len(found) == 3


def test_an_index_that_gives_up_is_followed_by_a_scan() -> None:
    answers = plan(EXACT_ROWS + 1), chunks(0.9, 0.8), chunks(0.95, 0.9, 0.8)

    [_, by_index, exact], found = asked(wanted(filters=FITS), *answers)

    assert ["+ 0" in text_of(item) for item in (by_index, exact)] == [False, True]
    assert [item.score for item in found] == [0.95, 0.9, 0.8]


def test_a_filter_holds_for_both_searches() -> None:
    near = chunks(0.9)

    statements, _ = asked(wanted(BY_BOTH, FITS), plan(1), near, ranked(near, 0.1))

    assert all("metadata @>" in text_of(item) for item in statements)
    assert all(item.prepare is False for item in statements)
    assert all("filter_0" in item.parameters for item in statements)


def test_all_of_the_retrieval_settings_are_obeyed() -> None:
    settings = Retrieval(top_k=9, dense_weight=3, lexical_weight=4, adjacent_share=50, min_score=25)

    assert Wanted.of(settings, "  How LONG? ", FITS) == Wanted(
        "How LONG?", FITS, 9, 0.25, Weights(3, 4, 0.5)
    )


def test_when_to_scan_exactly() -> None:
    assert [is_exact_first(rows) for rows in (0, EXACT_ROWS, EXACT_ROWS + 1)] == [True, True, False]
    assert [is_short(found, 10) for found in (0, 9, 10)] == [True, True, False]

"""The way from a question to its chunks, which the API and the gates share."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ragwright_core.filters import EVERYTHING
from ragwright_core.index.search import text, vector
from ragwright_core.index.search.filters import Condition, condition
from ragwright_core.index.search.found import Found, Searched, Vector, Wanted
from ragwright_core.index.search.fusion import candidates
from ragwright_core.index.search.run import Way

# Measured with 20,000 chunks of 384 dimensions: if 1,000 fit, exact comparison took 1.4 ms and the
# ANN index 10 ms; for 2,000 it was 4.7 and 5.6 ms, for 4,000 it was 10 and 4 ms.
EXACT_ROWS = 2_000


def best(version: Searched, wanted: Wanted, question: Vector) -> Way[tuple[Found, ...]]:
    """The chunks for a question whose vector is `question`, best first. There are fewer than
    `top_k` only if no more chunks fit the filters and reach the threshold.

    Running it raises psycopg.errors.UndefinedTable when the version was dropped.
    """
    fits = None if wanted.filters == EVERYTHING else condition(wanted.filters)
    found: Iterable[Found]
    if wanted.weights.lexical and version.language:
        found = yield from _by_both(version, wanted, question, fits)
    else:
        found = yield from _by_meaning(version, question, wanted.top_k, fits)
    return tuple(islice(_alike(found, wanted.score_threshold), wanted.top_k))


def _by_both(
    version: Searched, wanted: Wanted, question: Vector, fits: Condition | None
) -> Way[Iterable[Found]]:
    """All candidates of both searches, best first."""
    near = yield from _by_meaning(version, question, candidates(wanted.top_k), fits)
    rows = yield text.beside(version, wanted, question, [chunk.id for chunk in near], fits)
    return text.ordered(rows, wanted.weights)


def _by_meaning(
    version: Searched, question: Vector, limit: int, fits: Condition | None
) -> Way[list[Found]]:
    if fits is None:
        return (yield vector.nearest(version, question, limit))
    [plan] = yield vector.expected(version, fits)
    if not is_exact_first(plan[0]["Plan"]["Plan Rows"]):
        found: list[Found] = yield vector.nearest(version, question, limit, fits)
        if not is_short(len(found), limit):
            return found
    return (yield vector.nearest(version, question, limit, fits, exact=True))


def is_exact_first(expected: int) -> bool:
    """Whether so few chunks fit that comparing all of them is quicker than the ANN index, which
    has to walk past the others."""
    return expected <= EXACT_ROWS


def is_short(found: int, limit: int) -> bool:
    """Whether the ANN index may have left chunks out: it gives up after `hnsw.max_scan_tuples`."""
    return found < limit


def _alike(found: Iterable[Found], threshold: float) -> Iterable[Found]:
    """The chunks of at least this cosine. A threshold of 0 keeps all: cosines may be negative."""
    return (chunk for chunk in found if not threshold or chunk.score >= threshold)

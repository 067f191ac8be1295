"""The filter language: what is read, what is refused and in which words, and the form for keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg import sql

from ragwright_core import filters
from ragwright_core.cachekeys import canonical_filters
from ragwright_core.filters import AllOf, AnyOf, Compare, Equal, Exists, FilterError, Not, parse
from ragwright_core.index.search.filters import condition

A = Equal("a", 1)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, filters.EVERYTHING),
        ({"a": 1}, A),
        ({"a": 1, "b": "x"}, AllOf((A, Equal("b", "x")))),
        ({"a": None}, Equal("a", None)),
        ({"a": {"$eq": 1}}, A),
        ({"a": {"$ne": 1}}, Not(A)),
        ({"a": {"$in": [1, "x"]}}, AnyOf((A, Equal("a", "x")))),
        ({"a": {"$in": [1]}}, A),
        ({"a": {"$nin": [1, 2]}}, Not(AnyOf((A, Equal("a", 2))))),
        (
            {"a": {"$gte": 1, "$lt": "x"}},
            AllOf((Compare("a", "$gte", 1), Compare("a", "$lt", "x"))),
        ),
        ({"a": {"$exists": True}}, Exists("a")),
        ({"a": {"$exists": False}}, Not(Exists("a"))),
        ({"$not": {"a": 1}}, Not(A)),
        ({"$and": [{"a": 1}]}, A),
        ({"$and": [{"a": 1}, {"b": 2, "c": 3}]}, AllOf((A, Equal("b", 2), Equal("c", 3)))),
        ({"b": 2, "$or": [{"a": 1}, {}]}, AllOf((Equal("b", 2), AnyOf((A, AllOf(())))))),
        ({"$or": [{"$or": [{"a": 1}, {"b": 2}]}]}, AnyOf((A, Equal("b", 2)))),
    ],
)
def test_what_a_filter_says(given: Any, read: filters.Filter) -> None:
    assert repr(parse(given)) == repr(read)  # to Python, 1 and True are equal


def nested(depth: int, word: str) -> Any:
    found: Any = {"a": 1}
    for _ in range(depth):
        found = {word: found} if word == "$not" else {word: [found]}
    return found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a", 'a filter is an object, such as {"team": "a"}'),
        ([], "a filter is an object"),
        (None, "a filter is an object"),
        ({"$or": {"a": 1}}, "$or takes a list of filters, with one at least"),
        ({"$and": []}, "$and takes a list of filters, with one at least"),
        ({"$or": [1]}, "a filter is an object"),
        ({"$not": [{"a": 1}]}, "a filter is an object"),
        ({"$nor": [{"a": 1}]}, "$nor cannot stand here: write a field's name, $and, $or or $not"),
        ({"$gte": 1}, "$gte cannot stand here"),
        ({"$ drop table": 1}, "this cannot stand here"),
        ({"a": {"$regex": "x"}}, "$regex is no operator of a field: write $eq, $ne, $in, $nin, "),
        ({"a": {"b": 1}}, "b is no operator of a field"),
        ({"a": {"$not": {"$gte": 1}}}, "$not is no operator of a field"),
        ({"a": {}}, "a field takes a value, or an object"),
        ({"a": ["x"]}, "a field takes one value; for one of several write"),
        ({"a": {"$eq": ["x"]}}, "a value is a text, a number, true, false or null"),
        ({"a": {"$in": "x"}}, "$in takes a list of values"),
        ({"a": {"$in": []}}, "$in takes a list of values"),
        ({"a": {"$nin": [{}]}}, "a value is a text"),
        ({"a": {"$gte": None}}, "$gte takes a number or a text"),
        ({"a": {"$lt": True}}, "$lt takes a number or a text"),
        ({"a": {"$gt": [1]}}, "$gt takes a number or a text"),
        ({"a": {"$exists": 1}}, "$exists takes true or false"),
        ({"a": float("nan")}, "a number must be finite"),
        ({"a": {"$gt": float("inf")}}, "a number must be finite"),
        ({"a": "x" * 1001}, "a text may have at most 1000 characters"),
        ({"a" * 201: 1}, "a field's name may have at most 200 characters"),
        ({"a": "nul \0"}, "a text may hold neither U+0000"),
        ({"nul \0": 1}, "a field's name may hold neither U+0000"),
        ({"a": "\ud800"}, "a text may hold neither U+0000 nor half a character"),
        (nested(8, "$and"), "$and, $or and $not may stand at most 7 deep"),
        (nested(8, "$not"), "$and, $or and $not may stand at most 7 deep"),
        (nested(5000, "$or"), "$and, $or and $not may stand at most 7 deep"),
        ({"a": {"$in": list(range(101))}}, "a filter may have at most 100 conditions"),
        ({"$or": [{"a": n} for n in range(101)]}, "a filter may have at most 100 conditions"),
        ({str(n): n for n in range(101)}, "a filter may have at most 100 conditions"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_in_words(given: Any, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(given)
    assert str(caught.value).startswith(words)


def test_the_bounds_themselves_are_allowed() -> None:
    parse(nested(7, "$not"))
    parse({"a": {"$in": list(range(100))}})
    parse({"f" * 200: "x" * 1000})


def key(given: Any) -> str:
    return canonical_filters(filters.canonical(parse(given)))


@pytest.mark.parametrize(
    "plain", [{}, {"a": 1}, {"b": "x", "a": 1}, {"b": None, "a": True, "c": 1.5}, {"": ""}]
)
def test_plain_filters_keep_their_key(plain: dict[str, Any]) -> None:
    assert key(plain) == json.dumps(plain, sort_keys=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": {"$eq": 1}}),
        ({"a": 1}, {"$and": [{"a": 1}, {"a": 1}]}),
        ({"a": 1, "b": 2}, {"$and": [{"b": {"$eq": 2}}, {"a": 1}]}),
        ({"a": {"$in": [1, 2]}}, {"$or": [{"a": 2}, {"a": 1}]}),
        ({"a": {"$ne": 1}}, {"$not": {"a": 1}}),
        ({"a": {"$nin": [1, 2]}}, {"$not": {"a": {"$in": [2, 1, 2]}}}),
        ({"a": {"$gte": 1, "$lt": 2}}, {"$and": [{"a": {"$lt": 2}}, {"a": {"$gte": 1}}]}),
        ({"a": {"$exists": False}}, {"$not": {"a": {"$exists": True}}}),
        ({"a": {"$exists": True}}, {"$not": {"a": {"$exists": False}}}),
        ({"a": 1}, {"$not": {"$not": {"a": 1}}}),
        ({"a": 1}, {"$not": {"a": {"$ne": 1}}}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 0}, {"a": -0.0}),
        ({"a": 1e300}, {"a": 10**300}),
        ({"a": 0.5}, {"a": 5e-1}),
        ({"a": {"$gte": 2020}}, {"a": {"$gte": 2.02e3}}),
        ({"a": {"$in": [1, 2]}}, {"a": {"$in": [2.0, 1, 1.0]}}),
    ],
)
def test_filters_that_say_the_same_have_one_key(one: Any, other: Any) -> None:
    assert key(one) == key(other)


def test_filters_that_differ_have_keys_of_their_own() -> None:
    different: list[Any] = [
        {},
        {"a": 1},
        {"a": True},
        {"a": "1"},
        {"a": None},
        {"a": {"$exists": True}},
        {"a": {"$exists": False}},
        {"a": {"$ne": 1}},
        {"a": {"$in": [1, True]}},
        {"$or": [{"a": 1}, {"b": 1}]},
        {"$and": [{"a": 1}, {"b": 1}]},
        {"$and": [{"a": 1}, {"a": 2}]},
        {"$or": [{"a": 1}, {"a": 2}]},
        {"a": {"$gt": 1}},
        {"a": {"$gte": 1}},
        {"a": {"$lt": 1}},
        {"$not": {}},
    ]
    assert len({key(item) for item in different}) == len(different)


def test_nothing_that_a_caller_wrote_stands_in_the_sql() -> None:
    marked = "MARK'; DROP TABLE chunks; --"
    given = {
        marked: {"$in": [marked, 7777], "$gte": marked, "$exists": True, "$ne": 7777},
        "$or": [{marked: {"$lt": 7777}}, {"$not": {marked: None}}],
    }
    made = condition(parse(given))
    text = made.sql.as_string(None)
    assert "MARK" not in text
    assert "7777" not in text
    placeholders = [part for part in _parts(made.sql) if isinstance(part, sql.Placeholder)]
    assert len(placeholders) == len(made.parameters) > 8


def _parts(given: sql.Composable) -> list[sql.Composable]:
    if not isinstance(given, sql.Composed):
        return [given]
    return [part for item in given for part in _parts(item)]

"""Reads a filter from JSON, with messages that say what to write instead."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeGuard, get_args

from ragwright_core.filters.language import (
    AllOf,
    AnyOf,
    Compare,
    Comparison,
    Equal,
    Exists,
    Filter,
    FilterError,
    Not,
    Scalar,
)

MAX_DEPTH = 8
MAX_CONDITIONS = 100
MAX_FIELD = 200
MAX_TEXT = 1000


def parse(value: Any) -> Filter:
    """The filter that a JSON value describes. Raises FilterError."""
    found = _filter(value, MAX_DEPTH)
    if _conditions(found) > MAX_CONDITIONS:
        raise FilterError(
            f"a filter may have at most {MAX_CONDITIONS} conditions, and each value of $in and "
            "$nin is one: ask more than once, or mark the documents with a field of their own"
        )
    return found


def _conditions(found: Filter) -> int:
    match found:
        case Not():
            return _conditions(found.operand)
        case AllOf() | AnyOf():
            return sum(map(_conditions, found.operands))
    return 1


def _filter(value: Any, depth: int) -> Filter:
    if not isinstance(value, dict):
        raise FilterError('a filter is an object, such as {"team": "a"}')
    if depth == 0:
        raise FilterError(
            f"$and, $or and $not may stand at most {MAX_DEPTH - 1} deep in each other: fields that "
            "stand side by side in one object all have to fit, without $and"
        )
    return _group(AllOf, [_part(key, item, depth) for key, item in value.items()])


def _filters(operator: str, value: Any, depth: int) -> list[Filter]:
    return [_filter(item, depth) for item in _list(operator, value, "filters")]


def _part(key: str, value: Any, depth: int) -> Filter:
    match key:
        case "$and":
            return _group(AllOf, _filters(key, value, depth - 1))
        case "$or":
            return _group(AnyOf, _filters(key, value, depth - 1))
        case "$not":
            return _opposite(_filter(value, depth - 1))
    if key.startswith("$"):
        raise FilterError(
            f"{_told(key)} cannot stand here: write a field's name, $and, $or or $not; operators "
            'such as $gte stand in the field\'s object: {"year": {"$gte": 2020}}'
        )
    return _field(_checked(key, MAX_FIELD, "a field's name"), value)


def _field(name: str, value: Any) -> Filter:
    if isinstance(value, list):
        raise FilterError('a field takes one value; for one of several write {"$in": ["a", "b"]}')
    if not isinstance(value, dict):
        return Equal(name, _scalar(value))
    if not value:
        raise FilterError('a field takes a value, or an object such as {"$gte": 2020}')
    return _group(AllOf, [_condition(name, operator, item) for operator, item in value.items()])


def _condition(name: str, operator: str, value: Any) -> Filter:
    make = _OPERATORS.get(operator)
    if make is None:
        hint = ""
        if operator in ("$and", "$or", "$not"):
            hint = f', and {operator} around the field: {{"$not": {{"year": {{"$gte": 2020}}}}}}'
        raise FilterError(
            f"{_told(operator)} is no operator of a field: write {', '.join(_OPERATORS)}{hint}"
        )
    return make(name, operator, value)


def _compare(name: str, operator: str, value: Any) -> Filter:
    assert _is_comparison(operator)
    if value is None or isinstance(value, bool | list | dict):
        raise FilterError(f"{operator} takes a number or a text")
    checked = _scalar(value)
    assert checked is not None
    return Compare(name, operator, checked)


def _exists(name: str, operator: str, value: Any) -> Filter:
    if not isinstance(value, bool):
        raise FilterError(f"{operator} takes true or false")
    return Exists(name) if value else _opposite(Exists(name))


def _one_of(name: str, operator: str, value: Any) -> Filter:
    values = _list(operator, value, "values")
    return _group(AnyOf, [Equal(name, _scalar(item)) for item in values])


_OPERATORS: dict[str, Callable[[str, str, Any], Filter]] = {
    "$eq": lambda name, _, value: Equal(name, _scalar(value)),
    "$ne": lambda name, _, value: _opposite(Equal(name, _scalar(value))),
    "$in": _one_of,
    "$nin": lambda name, operator, value: _opposite(_one_of(name, operator, value)),
    **dict.fromkeys(get_args(Comparison), _compare),
    "$exists": _exists,
}


def _group(kind: type[AllOf] | type[AnyOf], parts: Iterable[Filter]) -> Filter:
    """A group that is flat: no group around a single condition, or within one of its kind."""
    flat: list[Filter] = []
    for part in parts:
        flat.extend(part.operands if isinstance(part, kind) else [part])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _opposite(given: Filter) -> Filter:
    return given.operand if isinstance(given, Not) else Not(given)


def _is_comparison(operator: str) -> TypeGuard[Comparison]:
    return operator in get_args(Comparison)


def _list(operator: str, value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise FilterError(f"{operator} takes a list of {what}, with one at least")
    return value


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        return _checked(value, MAX_TEXT, "a text")
    if isinstance(value, float):
        return _number(value)
    if value is not None and not isinstance(value, bool | int | float):
        raise FilterError("a value is a text, a number, true, false or null")
    return value


def _number(value: float) -> float | int:
    """The number as Postgres reads it: 1.0 is 1 there, and so they have one key."""
    if not math.isfinite(value):
        raise FilterError("a number must be finite")
    read = Decimal(repr(value))
    return int(read) if read == read.to_integral_value() else value


def _checked(text: str, longest: int, what: str) -> str:
    if len(text) > longest:
        raise FilterError(f"{what} may have at most {longest} characters")
    # Postgres' jsonb holds neither U+0000 nor half of a pair of surrogates.
    if re.search("[\0\ud800-\udfff]", text):
        raise FilterError(f"{what} may hold neither U+0000 nor half a character")
    return text


def _told(operator: str) -> str:
    """The operator's name for an error message, or "this" if it does not look like a name."""
    return operator if re.fullmatch(r"\$?[a-zA-Z]{1,20}", operator) else "this"

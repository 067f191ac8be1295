"""Which chunks a question may be answered from: a small typed language over their metadata.

Its JSON is MongoDB's, which Pinecone, Chroma and LangChain have made common: `{"team": "a",
"year": {"$gte": 2020}}`. Each condition holds or does not, so that `$not` is the exact opposite:
a field that is missing, or of another type, fits no condition.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard, get_args

MAX_DEPTH = 8
MAX_CONDITIONS = 100
MAX_FIELD = 200
MAX_TEXT = 1000

Scalar = str | bool | int | float | None
Comparison = Literal["$gt", "$gte", "$lt", "$lte"]


@dataclass(frozen=True)
class Equal:
    """The field is this value, or a list that holds it."""

    field: str
    value: Scalar


@dataclass(frozen=True)
class Compare:
    """Numbers with numbers, texts with texts by their characters' code points."""

    field: str
    operator: Comparison
    value: str | int | float


@dataclass(frozen=True)
class Exists:
    field: str


@dataclass(frozen=True)
class Not:
    operand: Filter


@dataclass(frozen=True)
class AllOf:
    """All of these; with none, every chunk."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True)
class AnyOf:
    operands: tuple[Filter, ...]


Filter = Equal | Compare | Exists | Not | AllOf | AnyOf
EVERYTHING = AllOf(())


class FilterError(ValueError):
    """A filter that cannot be used; the message says what to write instead."""


def canonical(given: Filter) -> dict[str, Any]:
    """One JSON form for filters that say the same in another order or notation. Plain equality
    keeps the seed's form, {field: value}."""
    match given:
        case Equal():
            return {given.field: given.value}
        case Compare():
            return {given.field: {given.operator: given.value}}
        case Exists():
            return {given.field: {"$exists": True}}
        case Not():
            return {"$not": canonical(given.operand)}
        case AllOf():
            return _joined("$and", given.operands)
        case AnyOf():
            return _joined("$or", given.operands)


def _joined(word: str, operands: Sequence[Filter]) -> dict[str, Any]:
    # Told apart by their JSON: to Python, 1 and True are equal.
    parts = {json.dumps(canonical(item), sort_keys=True): item for item in operands}
    distinct = [parts[key] for key in sorted(parts)]
    if len(distinct) == 1:
        return canonical(distinct[0])
    equal = {item.field: item.value for item in distinct if isinstance(item, Equal)}
    if word == "$and" and len(equal) == len(distinct):
        return equal
    return {word: [canonical(item) for item in distinct]}


def parse(value: Any) -> Filter:
    """The filter that a JSON value says. Raises FilterError."""
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
            return Not(_filter(value, depth - 1))
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
    return Exists(name) if value else Not(Exists(name))


def _one_of(name: str, operator: str, value: Any) -> Filter:
    values = _list(operator, value, "values")
    return _group(AnyOf, [Equal(name, _scalar(item)) for item in values])


_OPERATORS: dict[str, Callable[[str, str, Any], Filter]] = {
    "$eq": lambda name, _, value: Equal(name, _scalar(value)),
    "$ne": lambda name, _, value: Not(Equal(name, _scalar(value))),
    "$in": _one_of,
    "$nin": lambda name, operator, value: Not(_one_of(name, operator, value)),
    **dict.fromkeys(get_args(Comparison), _compare),
    "$exists": _exists,
}


def _group(kind: type[AllOf] | type[AnyOf], parts: Iterable[Filter]) -> Filter:
    """No group around one condition, or right within another of its kind."""
    flat: list[Filter] = []
    for part in parts:
        flat.extend(part.operands if isinstance(part, kind) else [part])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _is_comparison(operator: str) -> TypeGuard[Comparison]:
    return operator in get_args(Comparison)


def _list(operator: str, value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise FilterError(f"{operator} takes a list of {what}, with one at least")
    return value


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        return _checked(value, MAX_TEXT, "a text")
    if isinstance(value, float) and not math.isfinite(value):
        raise FilterError("a number must be finite")
    if value is not None and not isinstance(value, bool | int | float):
        raise FilterError("a value is a text, a number, true, false or null")
    return value


def _checked(text: str, longest: int, what: str) -> str:
    if len(text) > longest:
        raise FilterError(f"{what} may have at most {longest} characters")
    # Postgres' jsonb holds neither U+0000 nor half of a pair of surrogates.
    if re.search("[\0\ud800-\udfff]", text):
        raise FilterError(f"{what} may hold neither U+0000 nor half a character")
    return text


def _told(operator: str) -> str:
    """A name worth repeating, or a stand-in."""
    return operator if re.fullmatch(r"\$?[a-zA-Z]{1,20}", operator) else "this"

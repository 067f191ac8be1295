"""The conditions of a filter, and their one form as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Scalar = str | bool | int | float | None
Comparison = Literal["$gt", "$gte", "$lt", "$lte"]


@dataclass(frozen=True)
class Equal:
    """The field is this value, or a list that holds it."""

    field: str
    value: Scalar


@dataclass(frozen=True)
class Compare:
    """Compares numbers with numbers, and texts with texts by their characters' code points."""

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
    """All operands hold; with no operands, every chunk fits."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True)
class AnyOf:
    operands: tuple[Filter, ...]


Filter = Equal | Compare | Exists | Not | AllOf | AnyOf
EVERYTHING = AllOf(())


class FilterError(ValueError):
    """A filter that cannot be used; the message says what to write instead."""


def canonical(given: Filter) -> dict[str, Any]:
    """The one JSON form of filters that mean the same in another order or notation. Plain equality
    keeps the form {field: value}."""
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
    # Operands are compared by their JSON, because 1 and True are equal in Python.
    parts = {json.dumps(canonical(item), sort_keys=True): item for item in operands}
    distinct = [parts[key] for key in sorted(parts)]
    if len(distinct) == 1:
        return canonical(distinct[0])
    equal = {item.field: item.value for item in distinct if isinstance(item, Equal)}
    if word == "$and" and len(equal) == len(distinct):
        return equal
    return {word: [canonical(item) for item in distinct]}

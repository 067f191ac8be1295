"""Filters as SQL conditions on a chunk's metadata: fields and values are always parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from ragwright_core.filters import AllOf, AnyOf, Compare, Comparison, Equal, Exists, Filter, Not

# In lax mode [*] takes each element of a list, and a single value as it is.
_PATHS: dict[Comparison, LiteralString] = {
    "$gt": "'$[*] ? (@ > $value)'",
    "$gte": "'$[*] ? (@ >= $value)'",
    "$lt": "'$[*] ? (@ < $value)'",
    "$lte": "'$[*] ? (@ <= $value)'",
}


@dataclass(frozen=True)
class Condition:
    """`sql` goes after WHERE or AND; `parameters` are the values of its placeholders."""

    sql: sql.Composable
    parameters: dict[str, Any]


@dataclass
class _Composer:
    parameters: dict[str, Any] = field(default_factory=dict)

    def compose(self, given: Filter) -> sql.Composable:
        """The SQL of a filter. It is never NULL, so that NOT gives the exact opposite."""
        match given:
            case Equal():
                # The index on metadata supports both conditions.
                return sql.SQL("(metadata @> {} OR metadata @> {})").format(
                    self._parameter(Jsonb({given.field: given.value})),
                    self._parameter(Jsonb({given.field: [given.value]})),
                )
            case Compare():
                return sql.SQL(
                    "coalesce(jsonb_path_exists(metadata -> {}::text, {}, {}), false)"
                ).format(
                    self._parameter(given.field),
                    sql.SQL(_PATHS[given.operator]),
                    self._parameter(Jsonb({"value": given.value})),
                )
            case Exists():
                return sql.SQL("metadata ? {}::text").format(self._parameter(given.field))
            case Not():
                return sql.SQL("NOT {}").format(self.compose(given.operand))
            case AllOf():
                return self._joined(" AND ", given.operands)
            case AnyOf():
                return self._joined(" OR ", given.operands)

    def _joined(self, word: LiteralString, operands: Sequence[Filter]) -> sql.Composable:
        if not operands:
            return sql.SQL("true")
        return sql.SQL("({})").format(sql.SQL(word).join(map(self.compose, operands)))

    def _parameter(self, value: Any) -> sql.Placeholder:
        name = f"filter_{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)


def condition(given: Filter) -> Condition:
    composer = _Composer()
    return Condition(composer.compose(given), composer.parameters)

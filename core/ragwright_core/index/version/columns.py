"""The columns of a version's tables, listed once. The SQL that creates, loads, searches and shows
them is made from this list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

# The layout of a new version's tables. Layout 2 added `place`, and allows unknown lines. Layout 3
# holds vectors of more than 1,948 dimensions as halfvec, and paths of any length.
LAYOUT = 3

_LONGEST_VECTOR = 1948
_LONGEST_HALFVEC = 3896


@dataclass(frozen=True)
class Column:
    """`copied`: a load gives the value, else the database does. `shown`: the stable view has the
    column. Layouts before `since` lack it: the expression `before` takes its place there."""

    name: str
    type: LiteralString
    rule: LiteralString = "NOT NULL"
    copied: bool = True
    shown: bool = True
    since: int = 1
    before: LiteralString = "NULL"

    def read(self, layout: int) -> sql.Composable:
        """The SQL for the column's value in a table of this layout."""
        return sql.Identifier(self.name) if layout >= self.since else sql.SQL(self.before)


# A new column goes to the end, because a view can gain columns only there. Raise LAYOUT, name that
# as its `since`, and give `before` for versions that were built without the column.
DOCUMENTS = (
    Column("id", "integer", "GENERATED ALWAYS AS IDENTITY PRIMARY KEY", copied=False),
    Column("source", "text"),
    Column("path", "text"),
    Column("hash", "text"),
    Column("bytes", "integer", shown=False),
    Column("url", "text", ""),
    Column("title", "text", "NOT NULL DEFAULT ''", copied=False),
    Column(
        "state",
        "text",
        "NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed'))",
        copied=False,
    ),
    Column("problem", "text", "", copied=False),
    Column("chunks", "integer", "NOT NULL DEFAULT 0", copied=False, shown=False),
)

# STORAGE PLAIN: a vector that is stored out of line makes the planner prefer a sequential scan (18
# ms instead of 1 ms, measured). STORAGE MAIN: with lexemes out of line, ranking 3,200 chunks by
# words takes 18 ms instead of 11.
#
# A row must fit into a page, of which the other columns need at most 300 bytes once their values
# are out of line. So PLAIN ends at 1,948 dimensions of a vector, and at 3,896 of a halfvec.
CHUNKS = (
    Column("id", "bigint", "GENERATED ALWAYS AS IDENTITY", copied=False),
    Column("document", "integer"),
    Column("position", "integer", shown=False),
    Column("source", "text"),
    Column("path", "text"),
    Column("url", "text", ""),
    Column("title", "text"),
    Column("first_line", "integer", ""),
    Column("last_line", "integer", ""),
    Column("start_offset", "integer", shown=False),
    Column("end_offset", "integer", shown=False),
    Column("text", "text"),
    Column("hash", "bytea", shown=False),
    Column("metadata", "jsonb"),
    Column("embedding", "vector", "({dimensions}) STORAGE {storage} NOT NULL"),
    Column(
        "lexemes",
        "tsvector",
        "STORAGE MAIN NOT NULL GENERATED ALWAYS AS (to_tsvector({language}, text)) STORED",
        copied=False,
        shown=False,
    ),
    Column("place", "text", since=2, before="'L' || first_line || '-L' || last_line"),
)


def vector_type(dimensions: int, layout: int) -> LiteralString:
    """`vector` as long as it is stored in its row, above `halfvec`, up to 4,000 dimensions. Before
    layout 3, up to 2,000 dimensions were a `vector`: pgvector's limit for HNSW."""
    longest = _LONGEST_VECTOR if layout >= 3 else 2000
    return "vector" if dimensions <= longest else "halfvec"


def is_in_line(dimensions: int) -> bool:
    """Whether a new version's vectors are stored in their rows."""
    return dimensions <= _LONGEST_HALFVEC


def type_of(column: Column, dimensions: int) -> LiteralString:
    return vector_type(dimensions, LAYOUT) if column.type == "vector" else column.type


def copied(columns: Iterable[Column]) -> list[Column]:
    """The columns of a COPY, in order."""
    return [column for column in columns if column.copied]


def in_order(columns: Iterable[Column], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of a COPY's row, in order. Raises KeyError if a value is missing."""
    return tuple(values[column.name] for column in columns if column.copied)


def chosen(columns: Iterable[Column], names: Iterable[str], layout: int) -> sql.Composed:
    """A select list of these columns, from a table of this layout."""
    by_name = {column.name: column for column in columns}
    return _list(
        sql.SQL("{} AS {}").format(by_name[name].read(layout), sql.Identifier(name))
        for name in names
    )


def shown(columns: Iterable[Column], layout: int) -> sql.Composed:
    """The select list of a stable view. Values are cast to the type without dimensions, because a
    view keeps its columns' types and versions may differ in their dimensions."""
    return _list(
        sql.SQL("({})::{} AS {}").format(
            column.read(layout), sql.SQL(column.type), sql.Identifier(column.name)
        )
        for column in columns
        if column.shown
    )


def names(columns: Iterable[Column]) -> sql.Composed:
    return _list(sql.Identifier(column.name) for column in columns)


def _list(items: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(items)

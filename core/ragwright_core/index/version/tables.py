"""SQL of the tables that each index version has of its own, and of the stable views over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from psycopg import sql

from ragwright_core.index.version.columns import (
    CHUNKS,
    DOCUMENTS,
    Column,
    copied,
    is_in_line,
    names,
    shown,
    type_of,
)
from ragwright_core.names import chunks_table, documents_table, lexemes_table


def create_documents(number: int) -> sql.Composed:
    """No index is on the path, because an index entry holds at most 2,704 bytes."""
    return sql.SQL("CREATE TABLE {} ({})").format(
        sql.Identifier(documents_table(number)), _defined(DOCUMENTS)
    )


def create_chunks(number: int, dimensions: int, language: str) -> sql.Composed:
    """Rows whose vectors stand out of line have a page each. The planner counts the pages of a
    scan, and not its vectors: with several rows on a page it would scan 14,000 chunks of 4,000
    dimensions, which takes 366 ms (measured)."""
    return sql.SQL("CREATE TABLE {} ({}) WITH (fillfactor = {})").format(
        sql.Identifier(chunks_table(number)),
        _defined(CHUNKS, dimensions, language),
        sql.Literal(100 if is_in_line(dimensions) else 10),
    )


def _defined(columns: Sequence[Column], dimensions: int = 0, language: str = "") -> sql.Composed:
    regconfig = sql.SQL("{}::regconfig").format(sql.Literal(f"pg_catalog.{language}"))
    storage = sql.SQL("PLAIN" if is_in_line(dimensions) else "MAIN")
    return sql.SQL(", ").join(
        sql.SQL("{} {} {}").format(
            sql.Identifier(column.name),
            sql.SQL(type_of(column, dimensions)),
            sql.SQL(column.rule).format(
                dimensions=sql.Literal(dimensions), storage=storage, language=regconfig
            ),
        )
        for column in columns
    )


def copy_documents(number: int) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(documents_table(number)), names(copied(DOCUMENTS))
    )


def copy_chunks(number: int) -> sql.Composed:
    # In text format, parsing the vectors makes COPY ten times slower (measured).
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(chunks_table(number)), names(copied(CHUNKS))
    )


def chunk_types(dimensions: int) -> list[str]:
    """The columns' types, which COPY needs because binary rows do not contain them."""
    return [type_of(column, dimensions) for column in copied(CHUNKS)]


def drop_tables(number: int) -> sql.Composed:
    tables = chunks_table(number), documents_table(number), lexemes_table(number)
    return sql.SQL("DROP TABLE IF EXISTS {}").format(
        sql.SQL(", ").join(map(sql.Identifier, tables))
    )


def documents_view(layouts: Mapping[int, int]) -> sql.Composed:
    """The view `documents` over versions, given as numbers with their layouts. Each branch of its
    UNION returns rows only while its version is live."""
    return _view("documents", DOCUMENTS, documents_table, layouts)


def chunks_view(layouts: Mapping[int, int]) -> sql.Composed:
    """The view `chunks`, made in the same way."""
    return _view("chunks", CHUNKS, chunks_table, layouts)


def _view(
    name: str, columns: Sequence[Column], table: Callable[[int], str], layouts: Mapping[int, int]
) -> sql.Composed:
    branches = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} FROM {} WHERE (SELECT number FROM live) = {}").format(
            shown(columns, layout), sql.Identifier(table(number)), sql.Literal(number)
        )
        for number, layout in layouts.items()
    )
    return sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(sql.Identifier(name), branches)

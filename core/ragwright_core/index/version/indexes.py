"""SQL of a version's indexes. All but `create_pending` are made after the chunks are loaded."""

from __future__ import annotations

from psycopg import sql

from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.version.columns import LAYOUT, vector_type
from ragwright_core.names import chunks_table, documents_table, lexemes_table


def create_pending(number: int) -> sql.Composed:
    """The index by which a worker finds the next pending document. Without it, each claim would
    read past every document that is done."""
    return sql.SQL("CREATE INDEX ON {} (id) WHERE state = 'pending'").format(
        sql.Identifier(documents_table(number))
    )


def ann_name(number: int) -> str:
    return f"{chunks_table(number)}_ann"


def create_ann(number: int, dimensions: int, layout: int = LAYOUT) -> sql.Composed:
    operators = f"{vector_type(dimensions, layout)}_cosine_ops"
    return sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (embedding {})").format(
        sql.Identifier(ann_name(number)), _chunks(number), sql.Identifier(operators)
    )


def after_ann(number: int, descriptor: Descriptor) -> list[sql.Composed]:
    """The other indexes that searches use, in this order; safe to run again."""
    others = [_create_hash(number), _create_metadata(number)]
    return [*others, *of_text(number)] if descriptor.has_text_search else others


def of_text(number: int) -> list[sql.Composed]:
    """What search by words needs."""
    return [
        _create_text(number),
        _create_ids(number),
        _create_lexemes(number),
        _create_lexeme(number),
        sql.SQL("ANALYZE {}").format(_lexemes(number)),
    ]


def _create_hash(number: int) -> sql.Composed:
    """The index by which a later build finds vectors that it can take over."""
    return sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} (hash)").format(
        sql.Identifier(f"{chunks_table(number)}_hash"), _chunks(number)
    )


def _create_metadata(number: int) -> sql.Composed:
    return sql.SQL(
        "CREATE INDEX IF NOT EXISTS {} ON {} USING gin (metadata jsonb_path_ops)"
    ).format(sql.Identifier(f"{chunks_table(number)}_metadata"), _chunks(number))


def _create_text(number: int) -> sql.Composed:
    return sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING gin (lexemes)").format(
        sql.Identifier(f"{chunks_table(number)}_lexemes"), _chunks(number)
    )


def _create_ids(number: int) -> sql.Composed:
    """The index by which search by words looks up the chunks that search by meaning has found."""
    return sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (id)").format(
        sql.Identifier(f"{chunks_table(number)}_id"), _chunks(number)
    )


def _create_lexemes(number: int) -> sql.Composed:
    """The number of chunks that hold each lexeme. A single statement makes the table, so that it is
    either complete or not there."""
    return sql.SQL(
        """
        CREATE TABLE IF NOT EXISTS {lexemes} AS
        SELECT lexeme, count(*)::integer AS chunks FROM {chunks}, unnest(lexemes) GROUP BY lexeme"""
    ).format(lexemes=_lexemes(number), chunks=_chunks(number))


def _create_lexeme(number: int) -> sql.Composed:
    return sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (lexeme)").format(
        sql.Identifier(f"{lexemes_table(number)}_lexeme"), _lexemes(number)
    )


def _chunks(number: int) -> sql.Identifier:
    return sql.Identifier(chunks_table(number))


def _lexemes(number: int) -> sql.Identifier:
    return sql.Identifier(lexemes_table(number))

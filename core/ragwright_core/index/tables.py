"""SQL of the tables that each index version has of its own."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.names import chunks_table, documents_table, lexemes_table


def drop_tables(number: int) -> sql.Composed:
    names = chunks_table(number), documents_table(number), lexemes_table(number)
    return sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(map(sql.Identifier, names)))


def create_documents(number: int) -> sql.Composed:
    return sql.SQL(
        """
        CREATE TABLE {table} (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source text NOT NULL,
            path text NOT NULL,
            hash text NOT NULL,
            bytes integer NOT NULL,
            url text,
            state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
            problem text,
            title text NOT NULL DEFAULT '',
            chunks integer NOT NULL DEFAULT 0,
            UNIQUE (source, path)
        )"""
    ).format(table=sql.Identifier(documents_table(number)))


def create_pending_index(number: int) -> sql.Composed:
    """Claims look for the next pending document: without it each walks over all that are done."""
    return sql.SQL("CREATE INDEX ON {table} (id) WHERE state = 'pending'").format(
        table=sql.Identifier(documents_table(number))
    )


def vector_type(dimensions: int) -> LiteralString:
    """`vector` up to 2,000 dimensions, `halfvec` up to 4,000: pgvector's limits for HNSW."""
    return "vector" if dimensions <= 2000 else "halfvec"


def create_chunks(number: int, dimensions: int, language: str) -> sql.Composed:
    # STORAGE PLAIN: out of line, a vector makes the planner prefer a sequential scan (18 ms for
    # 1 ms, measured). STORAGE MAIN: with lexemes out of line, ranking 3,200 chunks by words
    # takes 18 ms for 11.
    return sql.SQL(
        """
        CREATE TABLE {table} (
            id bigint GENERATED ALWAYS AS IDENTITY,
            document integer NOT NULL,
            position integer NOT NULL,
            source text NOT NULL,
            path text NOT NULL,
            url text,
            title text NOT NULL,
            first_line integer NOT NULL,
            last_line integer NOT NULL,
            start_offset integer NOT NULL,
            end_offset integer NOT NULL,
            text text NOT NULL,
            hash bytea NOT NULL,
            metadata jsonb NOT NULL,
            embedding {type}({dimensions}) STORAGE PLAIN NOT NULL,
            lexemes tsvector STORAGE MAIN NOT NULL
                GENERATED ALWAYS AS (to_tsvector({language}, text)) STORED
        )"""
    ).format(
        table=sql.Identifier(chunks_table(number)),
        type=sql.SQL(vector_type(dimensions)),
        dimensions=sql.Literal(dimensions),
        language=sql.Literal(f"pg_catalog.{language}") + sql.SQL("::regconfig"),
    )

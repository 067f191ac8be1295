"""Runs a search, which itself does no I/O: it yields statements and is sent their rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import BaseRowFactory

Result = TypeVar("Result")


@dataclass(frozen=True)
class Statement:
    """A query to run. `row` is psycopg's row factory; `prepare` is psycopg's argument."""

    query: sql.Composed | bytes
    parameters: Mapping[str, Any]
    row: BaseRowFactory[Any]
    prepare: bool | None = None


Way = Generator[Statement, list[Any], Result]


def run(connection: psycopg.Connection[Any], way: Way[Result]) -> Result:
    try:
        statement = next(way)
        while True:
            statement = way.send(fetch(connection, statement))
    except StopIteration as end:
        result: Result = end.value
        return result


async def arun(connection: psycopg.AsyncConnection[Any], way: Way[Result]) -> Result:
    try:
        statement = next(way)
        while True:
            cursor = connection.cursor(row_factory=statement.row)
            await cursor.execute(statement.query, statement.parameters, prepare=statement.prepare)
            statement = way.send(await cursor.fetchall())
    except StopIteration as end:
        result: Result = end.value
        return result


def fetch(connection: psycopg.Connection[Any], statement: Statement) -> list[Any]:
    cursor = connection.cursor(row_factory=statement.row)
    cursor.execute(statement.query, statement.parameters, prepare=statement.prepare)
    return cursor.fetchall()

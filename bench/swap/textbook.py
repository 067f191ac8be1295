"""The baseline: the textbook swap, two RENAMEs in a transaction, under the same conditions."""

from __future__ import annotations

import threading
import time
from typing import Any, LiteralString

import psycopg

ROWS = 2000
_CREATE: LiteralString = "CREATE TABLE {name} (id integer, embedding vector({dimensions}))"


def _fill(connection: psycopg.Connection[Any], name: str, dimensions: int) -> None:
    connection.execute(
        psycopg.sql.SQL(_CREATE).format(
            name=psycopg.sql.Identifier(name), dimensions=psycopg.sql.Literal(dimensions)
        )
    )
    connection.execute(
        psycopg.sql.SQL(
            "INSERT INTO {} SELECT i, array_fill(random()::real, ARRAY[%s])::vector "
            "FROM generate_series(1, %s) AS i"
        ).format(psycopg.sql.Identifier(name)),
        [dimensions, ROWS],
    )


def _rename(connection: psycopg.Connection[Any]) -> float:
    began = time.monotonic()
    with connection.transaction():
        connection.execute("ALTER TABLE book RENAME TO book_old")
        connection.execute("ALTER TABLE book_new RENAME TO book")
    return time.monotonic() - began


class _Reader(threading.Thread):
    """An innocent SELECT in a loop, prepared as psycopg prepares what is repeated."""

    def __init__(self, database_url: str) -> None:
        super().__init__(daemon=True)
        self._url = database_url
        self.stopping = threading.Event()
        self.slowest = 0.0
        self.errors: dict[str, int] = {}

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self.stopping.is_set():
                began = time.monotonic()
                try:
                    connection.execute("SELECT id, embedding FROM book LIMIT 5").fetchall()
                except psycopg.Error as error:
                    words = str(error).splitlines()[0]
                    self.errors[words] = self.errors.get(words, 0) + 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.stopping.wait(0.002)


def _swap_once(database_url: str, dimensions: int, *, held: bool) -> dict[str, Any]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("DROP TABLE IF EXISTS book, book_old, book_new")
        _fill(connection, "book", 256)
        _fill(connection, "book_new", dimensions)
        reader = _Reader(database_url)
        reader.start()
        reader.stopping.wait(0.5)
        with psycopg.connect(database_url) as holder:
            if held:
                holder.execute("SELECT count(*) FROM book")
                threading.Timer(1.5, holder.rollback).start()
            took = _rename(connection)
        reader.stopping.wait(0.5)
        reader.stopping.set()
        reader.join()
        connection.execute("DROP TABLE IF EXISTS book, book_old")
    return {
        "swap_ms": round(took * 1000, 1),
        "slowest_read_ms": round(reader.slowest * 1000, 1),
        "errors": sum(reader.errors.values()),
        "error": next(iter(reader.errors), ""),
    }


def textbook_rows(database_url: str) -> list[dict[str, Any]]:
    """One row for each condition: plain, behind a reader of 1.5 s, with a change of dimensions."""
    conditions = [
        ("textbook, nobody in the way", 256, False),
        ("textbook, a reader holds the old table for 1.5 s", 256, True),
        ("textbook, change of dimensions", 128, False),
    ]
    return [
        {"row": name, **_swap_once(database_url, dimensions, held=held)}
        for name, dimensions, held in conditions
    ]

"""Filters on a real Postgres: they say what they mean, and none of them starves the result."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import Vector
from psycopg import sql
from psycopg.types.json import Jsonb

from ragwright_api.search import EXACT_ROWS, Search, is_exact_first, is_short, nearest
from ragwright_api.sessions import Sessions
from ragwright_core.filters import (
    AllOf,
    AnyOf,
    Compare,
    Equal,
    Exists,
    Filter,
    Not,
    canonical,
    parse,
)
from ragwright_core.index import connect
from ragwright_core.index.filter_queries import condition
from ragwright_core.index.tables import create_chunks
from ragwright_core.index.vector_search import expect, search
from ragwright_ingest import queries
from ragwright_ingest.evidence import Searcher

SCHEMA = "filters"
DIMENSIONS = 8
CHUNKS = 20_000
MANY, FEW = 1, 2  # the numbers of two versions


@pytest.fixture(scope="module")
def filled(postgres: str) -> Iterator[str]:
    """A schema with 20,000 chunks of random vectors, and one with 200 of odd metadata."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        connect.prepare(connection, SCHEMA)
        draw = random.Random(5)
        fill(connection, MANY, [{"n": n, "rare": n % 200, "half": n % 2} for n in range(CHUNKS)])
        fill(connection, FEW, [odd(draw) for _ in range(200)])
        yield postgres
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))


def fill(connection: psycopg.Connection[Any], number: int, metadata: list[dict[str, Any]]) -> None:
    vectors = np.random.default_rng(7).standard_normal((len(metadata), DIMENSIONS), np.float32)
    connection.execute(create_chunks(number, DIMENSIONS, "english"))
    with connection.cursor().copy(queries.copy_chunks(number)) as copy:
        copy.set_types(queries.chunk_types(DIMENSIONS))
        for at, (item, vector) in enumerate(zip(metadata, vectors, strict=True)):
            place = (at, 0, "docs", f"{at}.md", None, "title", 1, 2, 0, 9, "text", at.to_bytes(32))
            copy.write_row((*place, Jsonb(item), Vector(vector)))
    connection.execute(queries.create_ann_index(number, DIMENSIONS))
    connection.execute(queries.create_metadata_index(number))
    connection.execute(f"ANALYZE chunks_v{number}")


@asynccontextmanager
async def reader(url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    sessions = Sessions(SCHEMA, pooled=False)
    connecting = psycopg.AsyncConnection.connect(url, autocommit=True)
    async with await connecting as connection, sessions.on(connection):
        yield connection


def questions(count: int) -> list[Any]:
    return list(np.random.default_rng(8).standard_normal((count, DIMENSIONS), np.float32))


RARE: list[dict[str, Any]] = [
    {"rare": 7},  # 0.5 % of the chunks, which the planner knows
    {"rare": {"$in": [7]}, "half": 1},
    {"rare": {"$gte": 7, "$lt": 8}},  # 0.5 %, of which the planner knows nothing
    {"$not": {"$or": [{"rare": {"$gt": 7}}, {"rare": {"$lt": 7}}]}},
    {"n": {"$lt": 10}},
]


@pytest.mark.parametrize("given", RARE)
async def test_ten_of_ten_rows_under_a_filter_that_half_a_percent_fits(
    filled: str, given: dict[str, Any]
) -> None:
    fits = parse(given)
    async with reader(filled) as connection:
        for vector in questions(10):
            found = await nearest(connection, MANY, DIMENSIONS, Search(vector, 10, fits))
            exact = await exactly(connection, fits, vector)
            assert [item.id for item in found] == exact
            assert len(exact) == 10


async def exactly(connection: psycopg.AsyncConnection[Any], fits: Filter, vector: Any) -> list[int]:
    """The ten nearest, by a plan without any index."""
    where = condition(fits)
    statement = search(MANY, DIMENSIONS, where.sql)
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = on")
        await connection.execute("SET LOCAL enable_indexscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        parameters = {"vector": Vector(vector), "limit": 10, **where.parameters}
        rows = await (await connection.execute(statement, parameters, prepare=False)).fetchall()
    return [row[0] for row in rows]


async def test_the_index_alone_gives_up_and_the_exact_scan_does_not(filled: str) -> None:
    """As in an index so large that `hnsw.max_scan_tuples` ends before ten chunks have fitted."""
    fits = parse({"rare": {"$gte": 7, "$lt": 8}})
    where = condition(fits)
    async with reader(filled) as connection:
        await connection.execute("SET hnsw.max_scan_tuples = 100")
        await connection.execute("SET enable_seqscan = off")
        for vector in questions(5):
            by_index = await connection.execute(
                search(MANY, DIMENSIONS, where.sql),
                {"vector": Vector(vector), "limit": 10, **where.parameters},
                prepare=False,
            )
            assert len(await by_index.fetchall()) < 10
            found = await nearest(connection, MANY, DIMENSIONS, Search(vector, 10, fits))
            assert [item.id for item in found] == await exactly(connection, fits, vector)
            assert len(found) == 10


async def test_fewer_only_where_there_are_fewer(filled: str) -> None:
    async with reader(filled) as connection:
        for given, count in (({"n": {"$lt": 3}}, 3), ({"n": 5}, 1), ({"n": -1}, 0)):
            wanted = Search(questions(1)[0], 10, parse(given))
            assert len(await nearest(connection, MANY, DIMENSIONS, wanted)) == count


async def test_a_filter_that_half_of_the_chunks_fit_goes_by_the_ann_index(filled: str) -> None:
    where = condition(parse({"half": 1}))
    async with reader(filled) as connection:
        expected = await one(connection, expect(MANY, where.sql), where.parameters)
        assert not is_exact_first(expected[0]["Plan"]["Plan Rows"])
        statement = search(MANY, DIMENSIONS, where.sql)
        explained = sql.SQL("EXPLAIN (FORMAT JSON) {}").format(statement)
        parameters = {"vector": Vector(questions(1)[0]), "limit": 10, **where.parameters}
        assert queries.ann_index(MANY) in str(await one(connection, explained, parameters))


async def test_the_exact_scan_keeps_from_the_ann_index(filled: str) -> None:
    async with reader(filled) as connection:
        parameters = {"vector": Vector(questions(1)[0]), "limit": 10}
        for exact in (False, True):
            statement = search(MANY, DIMENSIONS, exact=exact)
            explained = sql.SQL("EXPLAIN (FORMAT JSON) {}").format(statement)
            plan = str(await one(connection, explained, parameters))
            assert (queries.ann_index(MANY) in plan) is not exact


async def one(
    connection: psycopg.AsyncConnection[Any], statement: sql.Composed, parameters: dict[str, Any]
) -> Any:
    row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return row[0]


def test_the_recall_gate_compares_the_index_with_an_exact_scan(filled: str) -> None:
    """Also after the statements are prepared, when the server no longer plans each anew."""
    with psycopg.connect(filled, autocommit=True) as connection:
        connect.prepare(connection, SCHEMA)
        searcher = Searcher(connection, MANY, DIMENSIONS)
        assert searcher.recall()[0] > 950
        connection.execute("SET hnsw.iterative_scan = off")
        connection.execute("SET hnsw.ef_search = 5")
        assert searcher.recall() == (500, 1000)


def test_when_to_scan_exactly() -> None:
    assert [is_exact_first(rows) for rows in (0, EXACT_ROWS, EXACT_ROWS + 1)] == [True, True, False]
    assert [is_short(found, 10) for found in (0, 9, 10)] == [True, True, False]


# What the language means, in Python, on metadata and filters drawn at random.

FIELDS = ["a", "b", "it's", 'a"b\\', "%s", ""]
NUMBERS: list[Any] = [None, True, False, 0, 1, 2, 10, -1, 1.5, 2.0, 10**20, 0.1]
TEXTS = ["", "a", "b", "B", "10", "2", "é", "z", "true", "%s", "'", '"', "\\", "$[*]", "\x01", "😀"]
VALUES = [*NUMBERS, *TEXTS]


def odd(draw: random.Random) -> dict[str, Any]:
    def value() -> Any:
        if draw.random() < 0.2:
            return [draw.choice(VALUES) for _ in range(draw.randrange(4))]
        return draw.choice(VALUES)

    return {name: value() for name in FIELDS if draw.random() < 0.6}


def drawn(draw: random.Random, depth: int = 3) -> dict[str, Any]:
    kind = draw.choice(["$not", "$and", "$or"]) if depth and draw.random() < 0.4 else ""
    if kind == "$not":
        return {kind: drawn(draw, depth - 1)}
    if kind:
        return {kind: [drawn(draw, depth - 1) for _ in range(draw.randrange(1, 4))]}
    return {draw.choice(FIELDS): drawn_condition(draw)}


def drawn_condition(draw: random.Random) -> Any:
    value = draw.choice(VALUES)
    operator = draw.choice(["", "$eq", "$ne", "$in", "$nin", "$exists", "range", "range"])
    if operator == "range":
        bound = draw.choice([item for item in VALUES if type(item) in (str, int, float)])
        return {draw.choice(["$gt", "$gte", "$lt", "$lte"]): bound}
    if not operator:
        return value
    values = {"$in": draw.sample(VALUES, 3), "$nin": draw.sample(VALUES, 3), "$exists": value == 1}
    return {operator: values.get(operator, value)}


def kind_of(value: Any) -> type:
    return float if type(value) in (int, float) else type(value)


def fits_one(given: Filter, metadata: dict[str, Any]) -> bool:
    match given:
        case Not():
            return not fits_one(given.operand, metadata)
        case AllOf():
            return all(fits_one(item, metadata) for item in given.operands)
        case AnyOf():
            return any(fits_one(item, metadata) for item in given.operands)
        case Exists():
            return given.field in metadata
        case Equal() | Compare():
            held = metadata.get(given.field, [])
            values = held if isinstance(held, list) else [held]
            return any(
                compared(given, item) for item in values if kind_of(item) is kind_of(given.value)
            )


def compared(given: Equal | Compare, held: Any) -> bool:
    if isinstance(given, Equal):
        return bool(held == given.value)
    outcomes = {
        "$gt": held > given.value,
        "$gte": held >= given.value,
        "$lt": held < given.value,
        "$lte": held <= given.value,
    }
    return bool(outcomes[given.operator])


async def test_postgres_and_python_agree_on_every_filter(filled: str) -> None:
    draw = random.Random(11)
    filters = [drawn(draw) for _ in range(200)]
    seen = 0
    async with reader(filled) as connection:
        cursor = await connection.execute("SELECT id, metadata FROM chunks_v2")
        rows = await cursor.fetchall()
        for given in filters:
            for form in (parse(given), parse(canonical(parse(given)))):
                where = condition(form)
                statement = sql.SQL("SELECT id FROM chunks_v2 WHERE {}").format(where.sql)
                found = await (await connection.execute(statement, where.parameters)).fetchall()
                wanted = {at for at, metadata in rows if fits_one(parse(given), metadata)}
                assert {at for (at,) in found} == wanted, given
                seen += 0 < len(wanted) < len(rows)
    assert seen > 200

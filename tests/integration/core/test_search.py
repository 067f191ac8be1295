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

from ragwright_api.index.connection import Connection, Sessions
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
from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.search.filters import condition
from ragwright_core.index.search.found import Found, Searched, Wanted
from ragwright_core.index.search.fusion import Weights
from ragwright_core.index.search.run import arun, run
from ragwright_core.index.search.search import best, is_exact_first
from ragwright_core.index.search.vector import expect, search
from ragwright_core.index.version import indexes
from ragwright_core.index.version.columns import CHUNKS as COLUMNS
from ragwright_core.index.version.columns import LAYOUT, in_order
from ragwright_core.index.version.tables import chunk_types, copy_chunks, create_chunks
from ragwright_ingest.gates.evidence import Searcher

SCHEMA = "filters"
WORDS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
]
DIMENSIONS = 8
CHUNKS = 20_000
MANY, FEW = 1, 2  # the numbers of two versions
EMBEDDING = EmbeddingDescriptor(provider="embedded", model="any", dimensions=DIMENSIONS)
DESCRIPTOR = Descriptor(
    layout=LAYOUT, shape="", language="english", revisions={}, embedding=EMBEDDING
)
VERSION = Searched.of(MANY, DESCRIPTOR)
BY_MEANING, BY_BOTH = Weights(1, 0), Weights(1, 2, 0.4)


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
    with connection.cursor().copy(copy_chunks(number)) as copy:
        copy.set_types(chunk_types(DIMENSIONS))
        for at, (item, vector) in enumerate(zip(metadata, vectors, strict=True)):
            values = {
                "document": at,
                "position": 0,
                "source": "docs",
                "path": f"{at}.md",
                "url": None,
                "title": "title",
                "place": "L1-L2",
                "first_line": 1,
                "last_line": 2,
                "start_offset": 0,
                "end_offset": 9,
                "text": WORDS[at % 10],
                "hash": at.to_bytes(32),
                "metadata": Jsonb(item),
                "embedding": Vector(vector),
            }
            copy.write_row(in_order(COLUMNS, values))
    connection.execute(indexes.create_ann(number, DIMENSIONS))
    for statement in indexes.after_ann(number, DESCRIPTOR):
        connection.execute(statement)
    connection.execute(f"ANALYZE chunks_v{number}")


@asynccontextmanager
async def reader(url: str) -> AsyncIterator[Connection]:
    sessions = Sessions(SCHEMA, pooled=False)
    connecting = Connection.connect(url, autocommit=True)
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
            found = await nearest(connection, vector, fits)
            exact = await exactly(connection, fits, vector)
            assert [item.id for item in found] == exact
            assert len(exact) == 10


async def nearest(
    connection: psycopg.AsyncConnection[Any], vector: Any, fits: Filter
) -> tuple[Found, ...]:
    return await arun(connection, best(VERSION, Wanted("", fits, 10, 0.0, BY_MEANING), vector))


async def exactly(connection: psycopg.AsyncConnection[Any], fits: Filter, vector: Any) -> list[int]:
    """The ten nearest, by a plan without any index."""
    where = condition(fits)
    statement = search(VERSION, where.sql)
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
                search(VERSION, where.sql),
                {"vector": Vector(vector), "limit": 10, **where.parameters},
                prepare=False,
            )
            assert len(await by_index.fetchall()) < 10
            found = await nearest(connection, vector, fits)
            assert [item.id for item in found] == await exactly(connection, fits, vector)
            assert len(found) == 10


async def test_fewer_only_where_there_are_fewer(filled: str) -> None:
    async with reader(filled) as connection:
        for given, count in (({"n": {"$lt": 3}}, 3), ({"n": 5}, 1), ({"n": -1}, 0)):
            assert len(await nearest(connection, questions(1)[0], parse(given))) == count


async def test_a_filter_that_half_of_the_chunks_fit_goes_by_the_ann_index(filled: str) -> None:
    where = condition(parse({"half": 1}))
    async with reader(filled) as connection:
        expected = await one(connection, expect(MANY, where.sql), where.parameters)
        assert not is_exact_first(expected[0]["Plan"]["Plan Rows"])
        statement = search(VERSION, where.sql)
        explained = sql.SQL("EXPLAIN (FORMAT JSON) {}").format(statement)
        parameters = {"vector": Vector(questions(1)[0]), "limit": 10, **where.parameters}
        assert indexes.ann_name(MANY) in str(await one(connection, explained, parameters))


async def test_the_exact_scan_keeps_from_the_ann_index(filled: str) -> None:
    async with reader(filled) as connection:
        parameters = {"vector": Vector(questions(1)[0]), "limit": 10}
        for exact in (False, True):
            statement = search(VERSION, exact=exact)
            explained = sql.SQL("EXPLAIN (FORMAT JSON) {}").format(statement)
            plan = str(await one(connection, explained, parameters))
            assert (indexes.ann_name(MANY) in plan) is not exact


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
        searcher = Searcher(connection, VERSION)
        assert searcher.recall()[0] > 950
        connection.execute("SET hnsw.iterative_scan = off")
        connection.execute("SET hnsw.ef_search = 5")
        assert searcher.recall() == (500, 1000)


@pytest.mark.parametrize("weights", [BY_MEANING, BY_BOTH])
@pytest.mark.parametrize("given", [{}, {"half": 1}, {"rare": 7}, {"n": -1}])
@pytest.mark.parametrize("threshold", [0.0, 0.6])
async def test_gates_and_callers_are_given_the_same(
    filled: str, weights: Weights, given: dict[str, Any], threshold: float
) -> None:
    wanted = Wanted("the sixth of eight words", parse(given), 10, threshold, weights)
    async with reader(filled) as connection:
        callers = [await arun(connection, best(VERSION, wanted, item)) for item in questions(10)]
    with psycopg.connect(filled, autocommit=True) as job:
        connect.prepare(job, SCHEMA)
        gates = [run(job, best(VERSION, wanted, item)) for item in questions(10)]

    assert gates == callers
    assert all(chunk.score >= threshold for found in gates for chunk in found if threshold)
    assert any(gates) is (given != {"n": -1})


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

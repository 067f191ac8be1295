"""Chunks of as many dimensions as the resource allows: they are stored, found and found quickly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from ragwright_core.index import connect
from ragwright_core.index.search.found import Searched
from ragwright_core.index.search.vector import as_parameter, search
from ragwright_core.index.version import indexes
from ragwright_core.index.version.columns import CHUNKS, LAYOUT, in_order
from ragwright_core.index.version.tables import chunk_types, copy_chunks, create_chunks
from ragwright_ingest.gates.evidence import SCAN_IS_FINE

SCHEMA = "rag_test_dimensions"
# Every other column as long as it may be: what can go out of line does.
LONG = "".join(random.Random(2).choices("abcdefghijklmnopqrstuvwxyz", k=3000))
OTHERS = {
    "document": 2**31 - 1,
    "position": 2**31 - 1,
    "source": "s" * 40,
    "path": LONG,
    "url": LONG,
    "title": "t" * 200,
    "place": "L1000000-L2000000000",
    "first_line": 1,
    "last_line": 2,
    "start_offset": 0,
    "end_offset": 9,
    "hash": bytes(32),
    "metadata": Jsonb({"long": LONG}),
}


@pytest.fixture
def connection(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres, autocommit=True) as made:
        made.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        connect.prepare(made, SCHEMA)
        try:
            yield made
        finally:
            made.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))


def fill(connection: psycopg.Connection[Any], dimensions: int, texts: list[str]) -> None:
    vectors = np.random.default_rng(7).standard_normal((len(texts), dimensions), np.float32)
    connection.execute(create_chunks(1, dimensions, "english"))
    with connection.cursor().copy(copy_chunks(1)) as copy:
        copy.set_types(chunk_types(dimensions))
        for text, vector in zip(texts, vectors, strict=True):
            values = {**OTHERS, "text": text, "embedding": as_parameter(vector, dimensions)}
            copy.write_row(in_order(CHUNKS, values))


@pytest.mark.parametrize(
    "dimensions", [1, 1536, 1948, 1949, 1990, 2000, 2001, 3072, 3896, 3897, 3980, 3999, 4000]
)
def test_the_longest_row_there_is_fits(
    connection: psycopg.Connection[Any], dimensions: int
) -> None:
    words = " ".join(f"word{n}" for n in range(1000))
    fill(connection, dimensions, ["short", words[:8000]])

    connection.execute(indexes.create_ann(1, dimensions))
    question = np.ones(dimensions, np.float32)
    found = connection.execute(
        search(Searched(1, dimensions, None)),
        {"vector": as_parameter(question, dimensions), "limit": 2},
    ).fetchall()
    assert len(found) == 2


def test_from_the_bound_of_the_gate_on_the_index_is_used(
    connection: psycopg.Connection[Any],
) -> None:
    draw = random.Random(1)
    texts = [" ".join(f"word{draw.randrange(30_000)}" for _ in range(110)) for _ in range(5000)]
    fill(connection, 4000, texts)
    connection.execute("SET maintenance_work_mem = '256MB'")
    connection.execute(indexes.create_ann(1, 4000))
    connection.execute("ANALYZE chunks_v1")
    plan = connection.execute(
        b"EXPLAIN " + search(Searched(1, 4000, None)).as_bytes(connection),
        {"vector": as_parameter(np.ones(4000, np.float32), 4000), "limit": 10},
    ).fetchall()
    assert indexes.ann_name(1) in str(plan)
    assert len(texts) == SCAN_IS_FINE


def test_a_version_of_an_older_layout_is_searched_as_it_is(
    connection: psycopg.Connection[Any],
) -> None:
    """Up to layout 2, 1,949 to 2,000 dimensions were a `vector`."""
    connection.execute("CREATE TABLE chunks_v1 (id bigint, embedding vector(1990))")
    version = Searched(1, 1990, None, layout=2)
    question = as_parameter(np.ones(1990, np.float32), 1990, version.layout)
    connection.execute(indexes.create_ann(1, 1990, version.layout))
    asked = sql.SQL("SELECT embedding <=> %s FROM chunks_v1")
    assert connection.execute(asked, [question]).fetchall() == []
    assert b"::vector)" in search(version).as_bytes(connection)
    assert b"::halfvec)" in search(Searched(1, 1990, None, layout=LAYOUT)).as_bytes(connection)

"""Search by meaning and by words at once, on a real index."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from psycopg import sql

from ragwright_api.caching.breaker import Budget
from ragwright_api.retrieval.question import Question
from ragwright_core.filters import parse
from ragwright_core.index.search import text
from ragwright_core.index.search.found import Searched, Wanted
from ragwright_core.index.search.run import Statement, fetch
from tests.integration.conftest import Pipeline
from tests.kit.api import serving

DIMENSIONS = 64
VERSION = Searched(1, DIMENSIONS, "english")
PARTS = {
    "pumps": "# Pumps\n\nThe pump P-4711 is made of brass. Order it by its number.",
    "valves": "# Valves\n\nThe valve V-0815 is made of steel. Order it by its number.",
    "pipes": "# Pipes\n\nPipes of copper carry water. They are bent by hand.",
    "hands": "# Hands\n\nWash your hands before lunch. Soap stands by the sink.",
}


def with_minilm(pipeline: Pipeline, **fields: Any) -> Pipeline:
    whole = {"maxCharacters": 1000}
    return pipeline.having(embedding={"model": "minilm"}, chunking=whole, **fields)


async def sources(pipeline: Pipeline, question: str, **body: Any) -> list[str]:
    """Documents that an answer is made from, best first."""
    async with serving(pipeline) as api:
        lease = await api.running.public.ask.reader.lease_now()
        assert lease.version is not None
        as_set = Wanted.of(pipeline.spec.retrieval, question, parse(body.get("filters", {})))
        asked = Question(question, replace(as_set, top_k=10))
        retrieval = api.running.public.search.retrieval
        retrieved = await retrieval.retrieve(asked, lease.version, Budget(2.0))
        return [found.path for found in retrieved.found]


async def test_an_index_of_minilm_answers(pipeline: Pipeline) -> None:
    made = with_minilm(pipeline)
    made.write(**PARTS)
    report = await asyncio.to_thread(made.build, "r1")

    assert report.outcome == "swapped", report
    dimensions = "SELECT DISTINCT vector_dims(embedding) FROM chunks"
    assert made.value(dimensions) == 384
    async with serving(made) as api:
        body = await api.ask("what metal do plumbers use for drinking water?", use_cache=False)
    assert "Pipes of copper carry water." in body["answer"]
    assert body["sources"][0].startswith("pipes.md#L")


async def test_a_code_is_found_by_its_letters(pipeline: Pipeline) -> None:
    """In a longer text, a model of meaning hardly knows one code from another."""
    around = "The disk is full when no block is free. Remove old files, or add a disk. " * 12
    draw = random.Random(7)
    codes = sorted(f"{draw.getrandbits(40):010x}" for _ in range(120))
    whole = pipeline.having(chunking={"maxCharacters": 1000})
    whole.write(**{code: f"# Error\n\nError {code}. {around}" for code in codes})
    await asyncio.to_thread(whole.build, "r1")
    by_meaning = whole.having(retrieval={"lexicalWeight": 0})

    async def found(asked: Pipeline) -> list[bool]:
        questions = {code: f"What does error {code} mean?" for code in codes[-10:]}
        return [(await sources(asked, text))[0] == f"{code}.md" for code, text in questions.items()]

    assert all(await found(whole))
    assert not all(await found(by_meaning))


async def test_either_search_alone_fills_the_answer(pipeline: Pipeline) -> None:
    pipeline.write(**PARTS)
    await asyncio.to_thread(pipeline.build, "r1")

    assert await sources(pipeline, "xyzzy") != [], "no word is known: by meaning"
    for weights in ({"denseWeight": 0}, {"lexicalWeight": 0}, {}):
        assert len(await sources(pipeline.having(retrieval=weights), "steel valve")) >= 4


async def test_what_answers_goes_on_in_the_next_chunk(pipeline: Pipeline) -> None:
    small = pipeline.having(chunking={"maxCharacters": 100})
    small.write(
        steel="# Steel valve V-0815\n\nHow to mend a steel valve V-0815, in three steps:\n\n"
        "1. Close both cocks. 2. Take off the lid with a spanner. 3. Put in a new seal.",
        **{f"other{n}": f"The valve in room {n} is closed with a key." for n in range(9)},
    )
    await asyncio.to_thread(small.build, "r1")
    question = "How do I mend the steel valve V-0815?"

    async def second(share: int) -> str:
        asked = small.having(retrieval={"adjacentShare": share})
        return (await sources(asked, question))[1]

    assert await second(0) != "steel.md"
    assert await second(30) == "steel.md"


async def test_a_filter_holds_for_both_searches(pipeline: Pipeline) -> None:
    pipeline.write(**PARTS)
    await asyncio.to_thread(pipeline.build, "r1")

    found = await sources(pipeline, "steel valve", filters={"path": "pipes.md"})

    assert set(found) == {"pipes.md"}


@pytest.mark.parametrize(
    "question",
    [
        "",
        "'",
        "\\",
        "a' | b & !c:*",
        "' \\' :A",
        "🦊",
        "<b>&amp;</b>",
        "http://a.b/c\\d'e?f=g",
        "the",
    ],
)
async def test_a_question_is_never_read_as_a_query(pipeline: Pipeline, question: str) -> None:
    pipeline.write(
        **PARTS, odd="# Odd\n\nIt's at http://a.b/c\\d'e?f=g and costs a|b 'quoted' \\ c."
    )
    await asyncio.to_thread(pipeline.build, "r1")

    assert len(await sources(pipeline, question)) >= 4


async def test_a_language_has_its_own_stems(pipeline: Pipeline) -> None:
    texts = {"a": "Die Häuser stehen am Fluss.", "b": "Der Hund schläft am Ofen."}
    pipeline.write(**texts)
    german = pipeline.having(retrieval={"language": "german"})
    await asyncio.to_thread(german.build, "r1")
    assert "haus" in german.value("SELECT array_agg(lexeme) FROM lexemes_v1")

    await asyncio.to_thread(pipeline.build, "r2")

    assert "haus" not in pipeline.value("SELECT array_agg(lexeme) FROM lexemes_v2")
    assert pipeline.value("SELECT embedded FROM index_version WHERE number = 2") == 0


async def test_a_version_of_an_older_release_is_asked_by_meaning(pipeline: Pipeline) -> None:
    pipeline.write(**PARTS)
    await asyncio.to_thread(pipeline.build, "r1")
    with pipeline.connect() as connection:
        connection.execute("UPDATE index_version SET descriptor = descriptor - 'language'")
        connection.execute("ALTER TABLE chunks_v1 DROP COLUMN lexemes")
        connection.execute("DROP TABLE lexemes_v1")

    assert len(await sources(pipeline, "steel valve")) >= 4
    report = await asyncio.to_thread(pipeline.build, "r2")

    assert (report.outcome, report.number) == ("swapped", 2), "words are reason to build anew"


def statement(pipeline: Pipeline, question: str, vector: Any = None) -> Statement:
    """Of version 1, with nothing near."""
    sought = np.ones(DIMENSIONS, np.float32) if vector is None else vector
    wanted = Wanted.of(pipeline.spec.retrieval, question)
    return text.beside(VERSION, wanted, sought, [])


def candidates(pipeline: Pipeline, asked: Statement, **changed: Any) -> list[dict[str, Any]]:
    with pipeline.connect() as connection:
        return fetch(connection, replace(asked, parameters={**asked.parameters, **changed}))


def test_words_find_what_meaning_puts_last(pipeline: Pipeline) -> None:
    """80 documents share a word with the question, which is more than are candidates."""
    draw = random.Random(3)
    others = {f"p{n:02}": f"The pump {draw.getrandbits(40):x} hums." for n in range(80)}
    pipeline.write(**others, q="The pump of brass hums.")
    pipeline.build("r1")
    near = pipeline.value("SELECT embedding FROM chunks WHERE path = 'q.md'")
    far = -near.to_numpy()

    found = candidates(pipeline, statement(pipeline, "brass pump", far))

    by_words = max(found, key=lambda row: row["rank"])
    assert by_words["path"] == "q.md"
    assert by_words == min(found, key=lambda row: row["score"]), "the farthest of all"


def test_words_that_stand_in_too_many_chunks_are_passed_over(pipeline: Pipeline) -> None:
    pipeline.write(**PARTS)
    pipeline.build("r1")

    def shares_words(most: int) -> set[str]:
        asked = statement(pipeline, "the brass is made by hand")
        found = candidates(pipeline, asked, most=most)
        return {row["path"] for row in found if row["rank"] > 0}

    # `brass` stands in 1 chunk; `made` in 2 and `hand` in 2, of which the first in the alphabet
    # fits into 3.
    assert shares_words(1) == {"pumps.md"}
    assert shares_words(3) == {"pumps.md", "pipes.md", "hands.md"}
    assert shares_words(100) == {"pumps.md", "valves.md", "pipes.md", "hands.md"}
    assert shares_words(0) == set()


def test_both_indexes_are_used(pipeline: Pipeline) -> None:
    """With a table large enough that a scan would not do."""
    rows = 6000
    pipeline.write(**PARTS)
    pipeline.build("r1")
    with pipeline.connect() as connection:
        connection.execute(
            """INSERT INTO chunks_v1 (document, position, source, path, title, first_line,
                   last_line, start_offset, end_offset, text, hash, metadata, embedding,
                   place)
               SELECT 1, n, 'docs', 'x.md', '', 1, 1, 0, 1, 'word' || n || ' filler', '', '{}',
                   (SELECT array_agg(random() + (g + n) * 0)
                    FROM generate_series(1, 64) AS g)::vector, 'L1-L1'
               FROM generate_series(1, %s) AS n""",
            [rows],
        )
        connection.execute("ANALYZE chunks_v1")
        asked = statement(pipeline, "brass")
        explained = sql.SQL("EXPLAIN ") + text.search(VERSION)
        lines = connection.execute(explained, {**asked.parameters, "near": [7]})
        plan = "\n".join(line for (line,) in lines)

    assert "chunks_v1_lexemes" in plan, plan
    assert "chunks_v1_id" in plan, plan

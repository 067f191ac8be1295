"""A schema that an older release wrote, under this one: read, searched, built upon, rolled back to.

Its tables are of layout 1: chunks have lines and no place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ragwright_core.index.version.columns import LAYOUT
from ragwright_core.names import Identity
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import states, tables
from tests.kit.api import Clock, serving

WRITTEN = Path(__file__).parent / "written_by" / "9dc460f.sql"
PAID = "When are refunds paid?"
CRANE = "What is XK-4711?"
# With a chunk that its versions have too.
GREASED = "Part XK-4711 of the crane is greased monthly."
NEW = f"# Crane\n\nThe crane lifts nine tons, and more when the weather is fine.\n\n{GREASED}\n"


@pytest.fixture
def written(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The pipeline whose schema it is; its documents are one that was not there before."""
    identity = Identity(namespace="test", name="written", uid="uid-written", cluster="here")
    made = replace(pipeline, identity=identity)
    with psycopg.connect(made.stores.database_url, autocommit=True) as connection:
        connection.execute(WRITTEN.read_bytes())
    made.write(crane=NEW)
    yield made.having(reindex={"gates": {"maxShrink": 90}})
    with psycopg.connect(made.stores.database_url, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{made.schema}" CASCADE')


def places(pipeline: Pipeline) -> set[str]:
    return {f"{path}#{place}" for path, place in pipeline.rows("SELECT path, place FROM chunks")}


async def test_it_is_searched_by_meaning_by_words_and_with_filters(written: Pipeline) -> None:
    async with serving(written) as api:
        [first, *_] = await api.retrieve(CRANE)
        assert first["source"] == "harbour.md#L5-L5"
        assert (first["first_line"], first["last_line"]) == (5, 5)
        found = await api.retrieve(CRANE, filters={"team": "billing", "year": {"$lt": 2025}})
        assert {item["title"] for item in found} == {"Refunds"}
        by_meaning = written.having(retrieval={"lexicalWeight": 0})
    async with serving(by_meaning) as api:
        assert len(await api.retrieve(CRANE, top_k=50)) == 6
        assert (await api.retrieve(PAID))[0]["source"].startswith("refunds.md#L")


async def test_it_answers_and_is_told_of_as_whole(written: Pipeline) -> None:
    async with serving(written) as api:
        answer = await api.ask(PAID)
        assert "14 days" in answer["answer"]
        assert all("#L" in source for source in answer["sources"])
        index = (await api.internal.get("/index")).json()
        assert (index["live"]["number"], index["live"]["intact"]) == (2, True)
        assert [(item["number"], item["intact"]) for item in index["others"]] == [(1, True)]
        with written.connect() as connection:
            connection.execute("DROP TABLE lexemes_v2")
        assert not (await api.internal.get("/index")).json()["live"]["intact"]


def test_a_version_that_failed_is_indexed_judged_and_swapped_in(written: Pipeline) -> None:
    """Its indexes are made now, on tables that were made then."""
    golden = [{"question": PAID, "source": "refunds.md"}]
    judged = written.having(reindex={"gates": {"goldenQuestions": golden}})

    report = judged.swap(3, "maxShrink")

    assert (report.outcome, report.number, report.previous) == ("swapped", 3, 2)
    gates = {item.gate: item.ok for item in report.verdicts}
    assert (gates["goldenQuestions"], gates["minRecall"], gates["maxShrink"]) == (True, True, False)
    assert "lexemes_v3" in tables(written)


def test_a_build_upon_it_has_the_new_layout_and_drops_what_is_kept_no_longer(
    written: Pipeline,
) -> None:
    before = set(columns(written, "chunks"))
    report = written.build("r4")

    assert (report.outcome, report.number, report.previous) == ("swapped", 4, 2)
    assert (report.counts.chunks, report.counts.reused) == (2, 0), "of which model, nobody asked"
    assert states(written) == {1: "dropped", 2: "kept", 3: "dropped", 4: "live"}
    assert {name[-1] for name in tables(written)} == {"2", "4"}
    assert (
        written.value("SELECT descriptor -> 'layout' FROM index_version WHERE number = 4") == LAYOUT
    )
    assert columns(written, "chunks")[-1] == "place"
    assert set(columns(written, "chunks")) == before | {"place"}
    assert places(written) == {"crane.md#L1-L3", "crane.md#L5-L5"}
    written.write(crane=NEW.replace("nine", "ten"))
    assert written.build("r5").counts.reused == 1


async def test_back_to_it_and_forth(written: Pipeline) -> None:
    await asyncio.to_thread(written.build, "r4")
    clock = Clock()
    async with serving(written, clock=clock) as api:
        for number, question, source in (
            (2, CRANE, "harbour.md#L5-L5"),
            (4, "What does the crane lift?", "crane.md#L1-L3"),
            (2, CRANE, "harbour.md#L5-L5"),
        ):
            report = await asyncio.to_thread(written.swap, number)
            assert (report.outcome, report.number) == ("swapped", number)
            clock.pass_by(1.5)
            assert (await api.retrieve(question))[0]["source"] == source
            assert source in places(written), "in the view too"


async def test_what_a_newer_release_wrote_is_read_by_what_is_known_of_it(written: Pipeline) -> None:
    await asyncio.to_thread(written.build, "r4")
    with written.connect() as connection:
        connection.execute("ALTER TABLE chunks_v4 ADD COLUMN colour text NOT NULL DEFAULT 'blue'")
        connection.execute(
            """UPDATE index_version
               SET descriptor = jsonb_set(descriptor, '{embedding,pooling}', '"mean"')
                   || '{"layout": 99, "colour": "blue"}'
               WHERE number = 4"""
        )

    async with serving(written) as api:
        assert (await api.retrieve("crane"))[0]["source"] == "crane.md#L1-L3"
        assert (await api.internal.get("/index")).json()["live"]["intact"]
    assert written.swap(2).outcome == "swapped"
    assert written.swap(4).outcome == "swapped"
    assert places(written) == {"crane.md#L1-L3", "crane.md#L5-L5"}


def test_a_view_that_a_newer_release_wrote_is_written_anew(written: Pipeline) -> None:
    definition = written.value("SELECT rtrim(pg_get_viewdef('chunks'::regclass), ';')")
    coloured = f"SELECT *, 'L1-L1' AS place, 'blue' AS colour FROM ({definition})"
    with written.connect() as connection:
        connection.execute(f"CREATE OR REPLACE VIEW chunks AS {coloured}".encode())
    report = written.build("r4")

    assert (report.outcome, report.number) == ("swapped", 4)
    assert columns(written, "chunks")[-1] == "place"


def columns(pipeline: Pipeline, view: str) -> list[str]:
    found = pipeline.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 "
        "ORDER BY attnum",
        [view],
    )
    return [name for (name,) in found]

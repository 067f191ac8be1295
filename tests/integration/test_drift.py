"""An endpoint that changes its model under the same name; and an index changed behind our back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import redis

from dev.servers.openai_server import Endpoint, vector
from ragwright_core import cachekeys
from ragwright_core.index.migrations import MIGRATIONS
from ragwright_core.problems import ProblemError
from ragwright_ingest.commands.load import load
from ragwright_ingest.loading.reuse import MODEL_CHANGED
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.kit.api import serving, until

TEXTS = {name: f"# {name}\n\nsomething about {name}" for name in ("ants", "bees", "cats")}


IDENTITY = "{embedding,identity}"


def another_model(vectors: list[list[float]]) -> list[list[float]]:
    return [row[::-1] for row in vectors]


@pytest.fixture
def built(pipeline: Pipeline, endpoint: Endpoint) -> Pipeline:
    pipeline = openai(pipeline, endpoint)
    pipeline.write(**TEXTS)
    assert pipeline.build("r1").outcome == "swapped"
    return pipeline


def test_sentences_are_kept_once_beside_the_version(built: Pipeline) -> None:
    stored = np.asarray(built.value("SELECT sentences FROM index_version"))
    assert stored.shape == (3, 64)
    assert np.allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-5)


@pytest.mark.row(16, "another model under the same name")
def test_vectors_of_two_models_never_meet_in_one_version(
    built: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    endpoint.told.spoil = another_model
    built.write(dogs="# dogs\n\nsomething about dogs")
    loaded = built.load("r2")
    report = built.index("r2")
    assert loaded.warnings == [MODEL_CHANGED]
    assert (report.counts.embedded, report.counts.reused) == (4, 0)
    for text, found in built.rows("SELECT text, embedding FROM chunks"):
        wanted = vector(text, 64)[::-1]
        np.testing.assert_allclose(found.to_numpy(), wanted, atol=1e-6)
    again = built.having(chunking={"maxCharacters": 110})
    again.load("r3")
    report = again.index("r3")
    assert (report.counts.embedded, report.counts.reused) == (0, 4)
    assert report.warnings == []
    assert len(redis_client.keys(cachekeys.embedding_pattern(built.schema))) == 4


def test_the_cure_that_the_condition_names_builds_anew(built: Pipeline, endpoint: Endpoint) -> None:
    """Nothing but the model has changed, and somebody annotates ragwright.dev/reindex."""
    assert built.build("r2").outcome == "unchanged"
    endpoint.told.spoil = another_model
    loaded = built.load("r3")
    report = built.index("r3")
    assert (loaded.outcome, loaded.warnings) == ("loaded", [MODEL_CHANGED])
    assert (report.outcome, report.number) == ("swapped", 2)
    assert (report.counts.embedded, report.counts.reused) == (3, 0)
    assert built.build("r4").outcome == "unchanged", "once is enough"


def test_vectors_of_a_build_that_failed_never_come_back_with_the_old_model(
    built: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    """Redis outlives versions: keys say which model vectors are of."""
    endpoint.told.spoil = another_model
    built.write(dogs="# dogs\n\nsomething about dogs", ants="", bees="", cats="")
    assert built.build("r2").outcome == "failed"
    endpoint.told.spoil = None
    built.write(**TEXTS, eels="# eels")
    report = built.build("r3")
    assert report.outcome == "swapped"
    for text, found in built.rows("SELECT text, embedding FROM chunks"):
        np.testing.assert_allclose(found.to_numpy(), vector(text, 64), atol=1e-6)


@pytest.mark.row(16, "the model changes in mid-build")
def test_a_model_that_changes_in_mid_build_ends_the_version(
    built: Pipeline, endpoint: Endpoint
) -> None:
    built.write(dogs="# dogs\n\nsomething about dogs")

    def change(step: str) -> None:
        if step == "batch":
            endpoint.told.spoil = another_model

    with pytest.raises(ProblemError, match="changed its model while version 2 was built"):
        load(built.order("r2"), replace(built.around, after_step=change))
    assert built.value("SELECT state FROM index_version WHERE number = 2") == "failed"
    report = built.build("r3")
    assert report.outcome == "swapped"
    assert (report.counts.embedded, report.counts.reused) == (4, 0)


async def test_the_api_stops_caching_and_says_so_until_the_model_is_back(
    built: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    async with serving(built) as api:
        drift, database = api.running.internal.drift, api.running.internal.database
        embedder = api.running.embedders.get
        await drift.check(database.read_sentences, embedder)
        assert drift.cosine == pytest.approx(1)
        assert (await api.ask())["from_cache"] is False
        assert (await api.ask())["from_cache"] is True
        await until(lambda: redis_client.keys("*:turn") == [])
        keys = len(redis_client.keys("rag:*"))

        endpoint.told.spoil = another_model
        await drift.check(database.read_sentences, embedder)
        assert drift.cosine == pytest.approx(1), "asked again every hour, not each time"
        drift._checked = None
        await drift.check(database.read_sentences, embedder)
        assert drift.changed
        assert (await api.ask())["from_cache"] is False
        assert (await api.ask("another question"))["from_cache"] is False
        assert len(redis_client.keys("rag:*")) == keys
        assert (await api.internal.get("/index")).json()["embeddingCosine"] < 0.999
        assert "another model" in (await api.internal.get("/readyz")).text
        assert await api.metric("ragwright_embedding_cosine") < 0.999
        assert "embedding model changed" in api.log.getvalue()

        await asyncio.to_thread(built.build, "r2")
        await drift.check(database.read_sentences, embedder)
        assert not drift.changed, "another version is live, made by the model as it is now"

        async def cached() -> bool:
            return bool((await api.ask())["from_cache"])

        await until(cached)


async def test_the_watch_finds_a_change_by_itself(built: Pipeline, endpoint: Endpoint) -> None:
    endpoint.told.spoil = another_model
    async with serving(built) as api:
        drift, read = api.running.internal.drift, api.running.internal.database.read_sentences
        embedder = api.running.embedders.get
        watching = asyncio.create_task(drift.watch(read, embedder, look_seconds=0.01))
        await until(lambda: drift.changed)
        watching.cancel()


async def test_an_endpoint_that_is_away_has_not_changed(
    built: Pipeline, endpoint: Endpoint
) -> None:
    async with serving(built) as api:
        drift = api.running.internal.drift
        await drift.check(api.running.internal.database.read_sentences, api.running.embedders.get)
        drift._checked = None
        endpoint.told.always = 400
        with pytest.raises(Exception, match="refused to embed"):
            await drift.check(
                api.running.internal.database.read_sentences, api.running.embedders.get
            )
        assert drift.cosine == pytest.approx(1)


async def test_a_schema_of_the_first_layout_goes_on_and_is_migrated(pipeline: Pipeline) -> None:
    pipeline.write(**TEXTS)
    await asyncio.to_thread(pipeline.build, "r1")
    with pipeline.connect() as connection:
        connection.execute("ALTER TABLE index_version DROP COLUMN sentences")
        connection.execute("UPDATE index_version SET descriptor = descriptor #- %s", [IDENTITY])
        connection.execute("DROP TABLE calls, push")
        connection.execute("ALTER TABLE live DROP COLUMN invalidated_at")
        connection.execute("DELETE FROM layout WHERE version > 1")
    async with serving(pipeline) as api:
        assert await api.running.internal.database.read_sentences() is None
        assert (await api.internal.get("/index")).json()["live"]["number"] == 1
        pipeline.write(more="more")
        report = await asyncio.to_thread(pipeline.build, "r2")
        assert (report.outcome, report.counts.reused) == ("swapped", 0)
        assert pipeline.value("SELECT max(version) FROM layout") == len(MIGRATIONS)


@pytest.fixture
def two(pipeline: Pipeline) -> Pipeline:
    """Version 2 is live, 1 is kept."""
    pipeline.write(**TEXTS)
    pipeline.build("r1")
    pipeline.write(ants="other")
    pipeline.build("r2")
    return pipeline


async def test_the_summary_tells_what_is_kept_and_what_is_lost(two: Pipeline) -> None:
    async with serving(two) as api:

        async def summary(statement: str) -> tuple[object, ...]:
            with two.connect() as connection:
                connection.execute(statement)
            reply = await api.internal.get("/index")
            assert reply.status_code == 200
            told = reply.json()
            others = [(o["number"], o["state"], o["intact"]) for o in told["others"]]
            live = told["live"] and (told["live"]["number"], told["live"]["intact"])
            return live, others, told["previous"]

        assert await summary("SELECT 1") == ((2, True), [(1, "kept", True)], 1)
        assert await summary("DELETE FROM chunks_v1") == ((2, True), [(1, "kept", False)], 1)
        assert await summary("UPDATE live SET number = 1") == (
            (1, False),
            [(2, "kept", True)],
            None,
        )
        assert await summary("UPDATE live SET number = NULL") == (
            None,
            [(2, "kept", True), (1, "kept", False)],
            1,
        )
        assert await summary("UPDATE live SET number = 2; DROP TABLE documents_v2 CASCADE") == (
            (2, False),
            [(1, "kept", False)],
            1,
        )


def test_a_percent_of_the_documents_costs_a_percent_of_the_calls(
    pipeline: Pipeline, endpoint: Endpoint
) -> None:
    pipeline = replace(
        openai(pipeline, endpoint), stores=Stores(pipeline.stores.database_url, None)
    )
    pipeline.write(**{f"d{n}": f"# Page {n}\n\nwhat page {n} says" for n in range(200)})
    pipeline.build("r1")
    full = len(endpoint.told.texts)
    (pipeline.documents / "d7.md").rename(pipeline.documents / "renamed.md")
    pipeline.write(d3="# Page 3\n\nit says something else now", d4="# Page 4\n\nand so does this")
    report = pipeline.build("r2")
    assert report.counts.embedded == 2
    # The three fixed sentences are asked twice for every build, whatever its size; and one of them
    # with each request.
    assert len(endpoint.told.texts) - full - 6 <= 0.02 * full

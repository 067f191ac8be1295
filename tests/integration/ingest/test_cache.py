"""What a build does with Redis, and what clean-up leaves of a pipeline: nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
import redis

from dev.servers.openai_server import Endpoint, vector
from ragwright_core import cachekeys
from ragwright_core.index.sentences import SENTENCES
from ragwright_core.orders import CleanupOrder
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest.commands.cleanup import clean_up
from ragwright_ingest.database import open_database
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.kit.waiting import until


def embedding_keys(client: redis.Redis, pipeline: Pipeline) -> set[bytes]:
    return set(client.scan_iter(match=cachekeys.patterns(pipeline.schema)[1]))


def test_embeddings_are_kept_for_queries_and_later_builds(
    pipeline: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    """A version that failed leaves no vectors in the database, but the endpoint is not asked."""
    pipeline = openai(pipeline, endpoint)
    pipeline.write(a="one text", b="another text")
    pipeline.load("r1")
    pipeline.write(c="a third text")

    report = pipeline.load("r2")

    assert report.number == 2
    assert (report.counts.embedded, report.counts.reused) == (1, 2)
    asked = [text for text in endpoint.told.texts if text not in SENTENCES]
    assert asked == ["one text", "another text", "a third text"]
    keys = embedding_keys(redis_client, pipeline)
    assert len(keys) == 3
    found = [np.frombuffer(redis_client.get(key) or b"", "<f4") for key in keys]  # type: ignore[arg-type]
    assert any(np.allclose(one, vector("a third text", 64), atol=1e-6) for one in found)
    assert {redis_client.ttl(key) for key in keys} <= set(range(2_591_900, 2_592_001))


@pytest.mark.row(11, "Redis dead during a build and its swap")
def test_a_dead_redis_fails_nothing(pipeline: Pipeline, endpoint: Endpoint) -> None:
    dead = replace(
        openai(pipeline, endpoint), stores=replace(pipeline.stores, redis_url="redis://127.0.0.1:1")
    )
    dead.write(a="one text")

    report = dead.build("r1")

    assert report.outcome == "swapped"
    assert report.warnings == [
        "old cache keys were not purged (ConnectionError); they expire by themselves"
    ]


def test_a_swap_purges_the_answers_of_other_versions(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    pipeline.write(a="old text")
    pipeline.build("r1")
    old = str(pipeline.value("SELECT id FROM index_version WHERE number = 1"))
    other_pipeline = "rag:response:ffff:id:digest"
    for n in range(1200):
        redis_client.set(answer_key(pipeline, old, n), "answer")
    redis_client.set(chunks_key(pipeline, old), "chunks")
    redis_client.set(other_pipeline, "answer")
    pipeline.write(a="new text")
    pipeline.load("r2")
    new = str(pipeline.value("SELECT id FROM index_version WHERE number = 2"))
    fresh = {answer_key(pipeline, new, 1), chunks_key(pipeline, new)}
    for key in fresh:
        redis_client.set(key, "value")

    pipeline.index("r2")

    left = {key.decode() for key in redis_client.scan_iter()}
    assert left == {*fresh, other_pipeline}


def answer_key(pipeline: Pipeline, version_id: str, n: int) -> str:
    point = cachekeys.IndexPoint(pipeline.schema, version_id, 0)
    return cachekeys.response_key(point, scope="", question=f"q{n}", filters={}, model="m")


def chunks_key(pipeline: Pipeline, version_id: str) -> str:
    point = cachekeys.IndexPoint(pipeline.schema, version_id, 0)
    return cachekeys.retrieval_key(point, scope="", question="q", filters={}, settings=[])


def namespaces(pipeline: Pipeline) -> list[tuple[object, ...]]:
    with psycopg.connect(pipeline.stores.database_url) as connection:
        return connection.execute("SELECT nspname FROM pg_namespace ORDER BY 1").fetchall()


def test_clean_up_leaves_nothing(
    pipeline: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    redis_client.set("somebody-elses", "value")
    before = namespaces(pipeline)
    pipeline = openai(pipeline, endpoint)
    pipeline.write(a="one text")
    pipeline.build("r1")
    redis_client.set(answer_key(pipeline, "id", 1), "answer")
    redis_client.set(chunks_key(pipeline, "id"), "chunks")
    redis_client.set(cachekeys.question_embedding_key(pipeline.schema, "e", 0, "q"), "vector")

    reports = [pipeline.clean_up(), pipeline.clean_up()]

    assert [report.outcome for report in reports] == ["cleaned", "cleaned"]
    assert namespaces(pipeline) == before
    assert redis_client.keys() == [b"somebody-elses"]


def test_clean_up_spares_a_successor_of_the_same_name(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    pipeline.write(a="one text")
    successor = replace(pipeline, identity=pipeline.identity.model_copy(update={"uid": "second"}))
    pipeline.build("r1")
    successor.load("r2")
    redis_client.set(answer_key(pipeline, "id", 1), "answer")

    report = pipeline.clean_up()

    assert "belongs to another pipeline" in report.warnings[0]
    assert pipeline.value("SELECT number FROM live") == 1
    assert len(redis_client.keys()) == 1


def test_clean_up_spares_a_successor_that_comes_between_two_tries(pipeline: Pipeline) -> None:
    """A reader holds the schema, the drop is tried again, and meanwhile the pipeline is applied
    anew."""
    pipeline.write(a="text")
    pipeline.build("r1")
    successor = pipeline.identity.model_copy(update={"uid": "second"})
    order, around = CleanupOrder(pipeline=pipeline.identity), pipeline.around
    with ThreadPoolExecutor(1) as pool, pipeline.connect() as reader:
        with reader.transaction():
            reader.execute("SELECT count(*) FROM chunks_v1")
            cleaning = pool.submit(clean_up, order, around, tries=1000)
            with psycopg.connect(pipeline.stores.database_url, autocommit=True) as watcher:
                until(lambda: _waits_to_drop(watcher, pipeline.schema), "the drop waits")
            open_database(pipeline.stores.database_url, successor)[0].close()
        report = cleaning.result(60)

    assert "belongs to another pipeline by now" in report.warnings[-1]
    assert pipeline.value("SELECT uid FROM owner") == "second"
    assert pipeline.rows("SELECT text FROM chunks") == [("text",)]


def _waits_to_drop(watcher: psycopg.Connection[Any], schema: str) -> bool:
    waiting = watcher.execute(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE %s AND wait_event_type = 'Lock'",
        [f"DROP SCHEMA%{schema}%"],
    )
    return waiting.fetchone() is not None


def test_clean_up_does_not_wait_for_ever(pipeline: Pipeline) -> None:
    pipeline.write(a="one text")
    pipeline.build("r1")
    with pipeline.connect() as reader:
        reader.autocommit = False
        reader.execute("SELECT * FROM chunks")

        with pytest.raises(ProblemError) as stopped:
            pipeline.clean_up()

        assert stopped.value.problem.reason is Reason.DATABASE_UNAVAILABLE
        assert "a reader holds schema" in stopped.value.problem.message
        reader.rollback()
        assert pipeline.clean_up().outcome == "cleaned"

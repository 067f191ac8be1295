"""Vectors of two models never meet: whoever shares the work, is killed, or cannot purge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest
import redis

from dev.servers.openai_server import Endpoint, vector
from ragwright_core import cachekeys
from ragwright_core.index.sentences import SENTENCES
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.commands.load import load
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.integration.ingest.test_workers import KilledError, kill_after
from tests.integration.test_drift import IDENTITY, another_model
from tests.kit.api import serving

DOCUMENTS = 150
Rows = list[list[float]]


@pytest.fixture
def built(pipeline: Pipeline, endpoint: Endpoint, redis_client: redis.Redis) -> Pipeline:
    """Its documents are two requests to the endpoint, and its vectors stand in Redis."""
    pipeline = openai(pipeline, endpoint)
    pipeline.write(**{f"d{n}": f"# Page {n}\n\nwhat page {n} says" for n in range(DOCUMENTS)})
    assert pipeline.build("r1").outcome == "swapped"
    return pipeline


def vectors(pipeline: Pipeline, number: int) -> dict[str, np.ndarray]:
    found = pipeline.rows(f"SELECT text, embedding FROM chunks_v{number}")
    return {text: embedding.to_numpy() for text, embedding in found}


def assert_all_of(pipeline: Pipeline, number: int, model: Callable[[Rows], Rows]) -> None:
    found = vectors(pipeline, number)
    wrong = [
        text
        for text, was in found.items()
        if not np.allclose(was, model([vector(text, 64)])[0], atol=1e-6)
    ]
    assert found
    assert wrong == [], f"{len(wrong)} of {len(found)} are of another model"


def as_it_was(rows: Rows) -> Rows:
    return rows


def flipping(endpoint: Endpoint, requests: set[int]) -> Callable[[Rows], Rows]:
    """Another model in these requests for documents, counted from 1."""
    seen = [0]

    def spoil(rows: Rows) -> Rows:
        asked = endpoint.told.embedding_calls[-1]["input"]
        if all(text in SENTENCES for text in asked):
            return rows
        seen[0] += 1
        return another_model(rows) if seen[0] in requests else rows

    return spoil


def without_scan(pipeline: Pipeline, client: redis.Redis) -> Pipeline:
    """The same pipeline, whose Jobs may do all in Redis but look for keys."""
    client.acl_setuser(
        "job", enabled=True, passwords=["+pw"], commands=["+@all", "-scan"], keys=["*"]
    )
    at = urlsplit(str(pipeline.stores.redis_url)).netloc.rsplit("@")[-1]
    return replace(pipeline, stores=replace(pipeline.stores, redis_url=f"redis://job:pw@{at}"))


@pytest.mark.row(16, "another model, two workers, vectors of the one before in Redis")
def test_workers_that_share_a_build_take_no_vector_of_the_model_before(
    built: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    """Whatever the first may have noted or cleared away in Redis, the second is not misled."""
    endpoint.told.spoil = another_model
    built.write(more="# one more")
    job = without_scan(built, redis_client)
    reports: list[Report] = []

    def another_worker(step: str) -> None:
        if step == "batch" and not reports:
            reports.append(job.load("r2"))

    reports.append(load(job.order("r2"), replace(job.around, after_step=another_worker)))
    report = built.index("r2")

    assert [report.number for report in reports] == [2, 2]
    assert report.outcome == "swapped"
    assert_all_of(built, 2, another_model)
    assert (report.counts.embedded, report.counts.reused) == (DOCUMENTS + 1, 0)


@pytest.mark.row(16, "another model, a worker killed, a Redis that cannot be purged")
@pytest.mark.parametrize("step", ["listed", "batch"])
def test_a_worker_that_is_killed_leaves_nothing_that_lies(
    built: Pipeline, endpoint: Endpoint, redis_client: redis.Redis, step: str
) -> None:
    endpoint.told.spoil = another_model
    built.write(more="# one more")
    job = without_scan(built, redis_client)

    with pytest.raises(KilledError):
        load(job.order("r2"), replace(job.around, after_step=kill_after(step)))
    report = job.build("r2")

    assert report.outcome == "swapped"
    assert_all_of(built, 2, another_model)
    endpoint.told.spoil = None
    built.write(more="# another one more")
    assert built.build("r3").counts.embedded == 1, "all else is known of the first model"
    assert_all_of(built, 3, as_it_was)


@pytest.mark.row(16, "the model changes and changes back in mid-build")
def test_a_model_that_changes_back_in_mid_build_leaves_no_vector(
    pipeline: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    """What is compared before and after a load looks well."""
    pipeline = openai(pipeline, endpoint)
    pipeline.write(**{f"d{n}": f"# Page {n}\n\nwhat page {n} says" for n in range(DOCUMENTS)})
    endpoint.told.spoil = flipping(endpoint, {2})

    with pytest.raises(ProblemError, match="changed its model while version 1 was built") as ended:
        pipeline.load("r1")

    assert ended.value.problem.reason is Reason.EMBEDDING_CHANGED
    assert_all_of(pipeline, 1, as_it_was)
    kept = [np.frombuffer(raw, np.float32) for raw in stored(redis_client, pipeline)]
    meant = np.asarray([vector(text, 64) for text in vectors(pipeline, 1)], np.float32)
    assert len(kept) == len(meant) > 90
    assert all(np.max(meant @ one) > 0.9999 for one in kept)
    report = pipeline.build("r1")
    assert (report.outcome, report.number) == ("swapped", 2)
    assert report.counts.reused == len(kept), "paid for, and of the right model"
    assert_all_of(pipeline, 2, as_it_was)


def stored(client: redis.Redis, pipeline: Pipeline) -> list[bytes]:
    keys: list[bytes] = client.keys(cachekeys.embedding_pattern(pipeline.schema))  # type: ignore[assignment]
    return client.mget(keys)  # type: ignore[return-value]


def test_a_worker_that_joins_takes_nothing_from_another_model(
    built: Pipeline, endpoint: Endpoint
) -> None:
    """The first one began the version, with the model as it was, and died."""
    built.write(more="# one more")
    with pytest.raises(KilledError):
        load(built.order("r2"), replace(built.around, after_step=kill_after("listed")))
    endpoint.told.spoil = another_model

    with pytest.raises(ProblemError, match="changed its model while version 2 was built"):
        built.load("r2")
    report = built.build("r2")

    assert (report.outcome, report.number) == ("swapped", 3)
    assert_all_of(built, 3, another_model)


def test_workers_that_each_meet_either_model_agree_on_one(
    built: Pipeline, endpoint: Endpoint
) -> None:
    """An endpoint's replicas are rolled to another model: each request meets either."""
    endpoint.told.spoil = flipping(endpoint, set(range(3, 400, 3)))
    built.write(more="# one more", **{f"d{n}": f"page {n} anew" for n in range(DOCUMENTS)})
    around = [built.around for _ in range(4)]

    def work(number: int) -> Report | None:
        try:
            return load(built.order("r2"), around[number])
        except ProblemError:
            return None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    begun = built.rows("SELECT number FROM index_version WHERE number > 1")
    for (number,) in begun:
        assert_all_of_one(built, number)


def assert_all_of_one(pipeline: Pipeline, number: int) -> None:
    if pipeline.value("SELECT to_regclass(%s) IS NULL", [f"chunks_v{number}"]):
        return
    found = vectors(pipeline, number)
    straight = [np.allclose(was, vector(text, 64), atol=1e-6) for text, was in found.items()]
    assert len(set(straight)) <= 1


def test_a_model_that_comes_back_finds_its_vectors(built: Pipeline, endpoint: Endpoint) -> None:
    endpoint.told.spoil = another_model
    assert built.build("r2").counts.embedded == DOCUMENTS
    endpoint.told.spoil = None

    report = built.build("r3")

    assert (report.outcome, report.counts.embedded) == ("swapped", 0)
    assert_all_of(built, 3, as_it_was)
    first, _, third = built.rows(
        "SELECT descriptor #>> %s, sentences FROM index_version ORDER BY number", [IDENTITY]
    )
    assert first == third


@pytest.mark.parametrize("with_sentences", [True, False])
def test_what_an_older_release_built_is_built_anew(built: Pipeline, with_sentences: bool) -> None:
    """Its vectors may be of two models."""
    with built.connect() as connection:
        connection.execute("UPDATE index_version SET descriptor = descriptor #- %s", [IDENTITY])
        if not with_sentences:
            connection.execute("UPDATE index_version SET sentences = NULL")

    report = built.build("r2")

    assert (report.outcome, report.number) == ("swapped", 2)
    assert built.build("r3").outcome == "unchanged"
    assert_all_of(built, 2, as_it_was)


def test_embedded_models_have_an_identity_too(pipeline: Pipeline) -> None:
    pipeline.write(a="one text")
    pipeline.build("r1")
    assert len(pipeline.value("SELECT descriptor #>> %s FROM index_version", [IDENTITY])) == 64
    assert pipeline.build("r2").outcome == "unchanged"


async def test_a_load_reads_no_vector_that_a_question_wrote(
    built: Pipeline, endpoint: Endpoint
) -> None:
    """No witness stands beside a question."""
    async with serving(built) as api:
        endpoint.told.spoil = another_model
        await api.ask("just this text")
        endpoint.told.spoil = None
    built.write(d1="just this text")
    report = await asyncio.to_thread(built.build, "r2")
    assert (report.counts.embedded, report.counts.reused) == (1, DOCUMENTS - 1)
    assert_all_of(built, 2, as_it_was)


async def test_no_vector_of_a_question_is_kept_for_a_model_without_identity(
    built: Pipeline, redis_client: redis.Redis
) -> None:
    """A key could not say whose vector it is."""
    with built.connect() as connection:
        connection.execute("UPDATE index_version SET descriptor = descriptor #- %s", [IDENTITY])
    async with serving(built) as api:
        await api.ask("what does page 7 say?")
    assert len(redis_client.keys(cachekeys.response_pattern(built.schema))) == 1
    assert len(stored(redis_client, built)) == DOCUMENTS


async def test_questions_are_embedded_anew_once_the_model_is_back(
    built: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    """Until the change was noticed, vectors of the other model were stored."""
    async with serving(built) as api:
        drift, read = api.running.internal.drift, api.running.internal.database.read_sentences
        embedder = api.running.embedders.get
        await drift.check(read, embedder)
        endpoint.told.spoil = another_model
        wrong = await api.ask("what does page 7 say?")
        drift._checked = None
        await drift.check(read, embedder)
        assert drift.changed
    endpoint.told.spoil = None
    async with serving(built) as api:
        right = await api.ask("what does page 7 say?")
        assert right["from_cache"] is False
        assert right["sources"] == ["d7.md#L1-L3", *right["sources"][1:]]
        assert wrong["sources"] != right["sources"]
    assert endpoint.told.texts.count("what does page 7 say?") == 2


async def test_caches_open_without_what_others_stored_of_another_model(
    built: Pipeline, endpoint: Endpoint
) -> None:
    """One replica saw the model change and change back; the other saw neither."""
    async with serving(built) as one, serving(built) as other:
        drift, read = one.running.internal.drift, one.running.internal.database.read_sentences
        embedder = one.running.embedders.get
        await drift.check(read, embedder)
        for spoil in (another_model, None):
            endpoint.told.spoil = spoil
            drift._checked = None
            await drift.check(read, embedder)
            assert drift.changed is (spoil is not None)
            if drift.changed:
                await other.ask("what does page 7 say?")
        assert (await other.ask("what does page 7 say?"))["from_cache"] is False
        assert (await one.ask("what does page 7 say?"))["sources"][0] == "d7.md#L1-L3"


def test_a_report_names_the_model_by_its_vectors(built: Pipeline, endpoint: Endpoint) -> None:
    first = built.load("r1").embedding_fingerprint
    endpoint.told.spoil = another_model
    assert built.build("r2").embedding_fingerprint not in ("", first)

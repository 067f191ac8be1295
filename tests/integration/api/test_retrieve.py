"""Chunks without an answer: the same lease, filters and headers as a question's."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from ragwright_api.answering.answerers.base import NOTHING_FOUND
from ragwright_api.http.responses import Chunk
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Clock, build, serving

REFUNDS = "# Refunds\n\nRefunds are paid within 14 days.\n\nOpened software is not refunded.\n"
HARBOUR = "# Harbour\n\nThe harbour opens at nine. Ships are painted blue every year.\n"


@pytest.fixture
async def built(pipeline: Pipeline, redis_client: redis.Redis) -> Pipeline:
    await build(pipeline, "r1", refunds=REFUNDS, harbour=HARBOUR)
    return pipeline


async def test_chunks_with_source_place_title_and_score(built: Pipeline) -> None:
    async with serving(built) as api:
        response = await api.http.post("/api/rag/retrieve", json={"question": QUESTION})
        (first, *others) = response.json()["chunks"]
        assert first.pop("score") > max(item["score"] for item in others)
        assert first == {
            "source": "refunds.md#L1-L5",
            "title": "Refunds",
            "text": REFUNDS.strip(),
            "first_line": 1,
            "last_line": 5,
        }
        assert response.headers["x-ragwright-version"] == "1"
        assert response.headers["x-ragwright-term"] == "1"
        assert response.headers["server-timing"].startswith("total;dur=")
        assert await api.metric("ragwright_queries_total") == 1
        assert await api.metric("ragwright_retrieval_seconds_count") == 1
        assert await api.metric("ragwright_llm_seconds_count") == 0


async def test_a_place_without_lines_is_an_anchor_and_lines_are_null(built: Pipeline) -> None:
    with built.connect() as connection:
        connection.execute(
            "UPDATE chunks_v1 SET place = 'page=3', first_line = NULL, last_line = NULL"
        )
    async with serving(built) as api:
        [first, *_] = await api.retrieve()
        assert first["source"] == "refunds.md#page=3"
        assert (first["first_line"], first["last_line"]) == (None, None)
        assert Chunk.model_validate(first), "as the API's schema has it"
        assert "refunds.md#page=3" in (await api.ask())["sources"]
    assert set(built.rows("SELECT place, first_line FROM chunks")) == {("page=3", None)}


async def test_a_question_is_embedded_as_documents_are_in_its_own_case(built: Pipeline) -> None:
    """A chunk's own text is as near to it as can be."""
    async with serving(built) as api:
        for chunk in await api.retrieve():
            nearest = await api.retrieve(f" {chunk['text']}\n")
            assert max(item["score"] for item in nearest) == pytest.approx(1, abs=1e-5)


async def test_null_is_no_filter(built: Pipeline) -> None:
    async with serving(built) as api:
        assert await api.retrieve(filters=None) == await api.retrieve()
        assert (await api.ask(filters=None))["from_cache"] is False
        same_questions: list[dict[str, Any]] = [{}, {"filters": {}}, {"filters": None}]
        for same in same_questions:
            assert (await api.ask(**same))["from_cache"] is True


async def test_what_was_found_is_found_again_without_a_search(built: Pipeline) -> None:
    async with serving(built) as api:
        first = await api.retrieve()
        assert await api.metric("ragwright_retrieval_cache_hits_total") == 0
        assert await api.retrieve() == first
        assert await api.metric("ragwright_retrieval_cache_hits_total") == 1
        for other in ({"top_k": 1}, {"filters": {"path": "refunds.md"}}, {"score_threshold": 0.9}):
            await api.retrieve(**other)
        assert await api.metric("ragwright_retrieval_cache_hits_total") == 1
        # An answer is made from the same chunks, unless its caller wants nothing from a cache.
        await api.ask()
        assert await api.metric("ragwright_retrieval_cache_hits_total") == 2
        await api.ask(use_cache=False)
        assert await api.metric("ragwright_retrieval_cache_hits_total") == 2


async def test_after_a_swap_or_an_invalidation_it_is_searched_for_anew(built: Pipeline) -> None:
    clock = Clock()
    async with serving(built, clock=clock) as api:
        await api.retrieve()
        await build(built, "r2", refunds=REFUNDS.replace("14", "10"), harbour=HARBOUR)
        clock.pass_by(1.5)
        assert "10 days" in (await api.retrieve())[0]["text"]
        await api.http.post("/api/rag/invalidate-cache")
        await api.retrieve()
        assert await api.metric("ragwright_retrieval_cache_hits_total") == 0


async def test_top_k_is_the_pipelines_own_unless_it_is_given(built: Pipeline) -> None:
    async with serving(built.having(retrieval={"topK": 1})) as api:
        assert len(await api.retrieve()) == 1
        assert len(await api.retrieve(top_k=None)) == 1
        assert len(await api.retrieve(top_k=50)) == 2


async def test_filters_leave_out_the_rest(built: Pipeline) -> None:
    async with serving(built) as api:
        for filters, titles in (
            ({"path": "harbour.md"}, ["Harbour"]),
            ({"path": {"$ne": "refunds.md"}}, ["Harbour"]),
            ({"title": {"$in": ["Harbour", "Nothing"]}, "source": "docs"}, ["Harbour"]),
            ({"path": {"$gte": "n"}, "format": "markdown"}, ["Refunds"]),
            ({"$or": [{"path": "harbour.md"}, {"title": "Refunds"}]}, ["Refunds", "Harbour"]),
            ({"team": {"$exists": True}}, []),
        ):
            chunks = await api.retrieve(filters=filters)
            assert [item["title"] for item in chunks] == titles
        assert await api.metric("ragwright_empty_retrievals_total") == 1
        assert (await api.ask(filters={"path": {"$lt": "a"}}))["answer"] == NOTHING_FOUND


async def test_what_a_document_says_of_itself_can_be_filtered_on(pipeline: Pipeline) -> None:
    front = "---\nteam: {}\nyear: {}\ntags: [{}, public]\npath: made up\n---\n\n"
    await build(
        pipeline,
        "r1",
        refunds=front.format("a", 2023, "money") + REFUNDS,
        harbour=front.format("b", 2024, "sea") + HARBOUR,
    )
    async with serving(pipeline) as api:
        for filters, titles in (
            ({"team": "a"}, {"Refunds"}),
            ({"year": {"$gte": 2024}}, {"Harbour"}),
            ({"tags": "sea"}, {"Harbour"}),
            ({"tags": {"$in": ["money", "sea"]}}, {"Refunds", "Harbour"}),
            ({"path": "made up"}, set()),
            ({"path": "refunds.md", "tags": "public"}, {"Refunds"}),
        ):
            chunks = await api.retrieve(filters=filters)
            assert {item["title"] for item in chunks} == titles


async def test_what_is_less_alike_than_the_threshold_is_left_out(built: Pipeline) -> None:
    async with serving(built) as api:
        refunds, harbour = await api.retrieve()
        between = (refunds["score"] + harbour["score"]) / 2
        assert await api.retrieve(score_threshold=between) == [refunds]
        assert await api.retrieve(score_threshold=0) == [refunds, harbour]
        assert await api.retrieve(score_threshold=1) == []
    percent = round(100 * between)
    async with serving(built.having(retrieval={"minScore": percent})) as api:
        assert await api.retrieve() == [refunds]
        assert await api.retrieve(score_threshold=0.0) == [refunds, harbour]
        assert all("refunds.md" in source for source in (await api.ask())["sources"])
    async with serving(built.having(retrieval={"minScore": 100})) as api:
        assert (await api.ask())["answer"] == NOTHING_FOUND
        assert await api.metric("ragwright_empty_retrievals_total") == 1


async def test_another_threshold_is_another_answer_in_the_cache(built: Pipeline) -> None:
    async with serving(built) as api:
        assert (await api.ask())["answer"] != NOTHING_FOUND
    async with serving(built.having(retrieval={"minScore": 100})) as api:
        assert (await api.ask())["answer"] == NOTHING_FOUND


async def test_filters_that_say_the_same_share_an_answer(built: Pipeline) -> None:
    async with serving(built) as api:
        for filters, hit in (
            ({"source": "docs", "path": "refunds.md"}, False),
            ({"$and": [{"path": {"$eq": "refunds.md"}}, {"source": "docs"}]}, True),
            ({"$or": [{"path": "refunds.md"}, {"source": "docs"}]}, False),
            ({"$or": [{"source": "docs"}, {"path": "refunds.md"}]}, True),
        ):
            assert (await api.ask(filters=filters))["from_cache"] is hit


async def test_before_the_first_version_it_says_so(pipeline: Pipeline) -> None:
    async with serving(pipeline) as api:
        reply = await api.http.post("/api/rag/retrieve", json={"question": QUESTION})
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert reply.json()["error"] == "no_index"


async def test_a_version_that_is_gone_is_left_for_a_fresh_lease(built: Pipeline) -> None:
    """To a process whose clock stands still its lease is good, though two swaps have dropped
    the version."""
    async with serving(built, clock=lambda: 1000.0) as api:
        await api.retrieve()
        for number in (2, 3):
            await build(built, f"r{number}", refunds=REFUNDS + f"\nEdition {number}.\n")
        assert built.value("SELECT to_regclass('chunks_v1')") is None
        response = await api.http.post("/api/rag/retrieve", json={"question": QUESTION})
    assert "Edition 3." in response.text
    assert response.headers["x-ragwright-version"] == "3"


SUBJECTS = ("invoice", "refund", "harbour", "zebra", "shop", "year", "team")
CORPUS = {
    f"d{n}": f"The team {SUBJECTS[n % 7]} helps with matters of {SUBJECTS[n // 7]} and code "
    f"{SUBJECTS[n % 5]}-{n}." + (" Call them each year." if n % 3 else "")
    for n in range(45)
}
ASKED = (
    "which team helps with matters of invoice and code refund-3",
    "zebra team shop year",
    "Call them each year",
    "harbour",
    "What is the code of the shop?",
    "nothing of this is in any document",
)


async def test_the_threshold_leaves_no_place_empty_that_another_chunk_could_fill(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    await build(pipeline, "r1", **CORPUS)
    async with serving(pipeline) as api:
        for question in ASKED:
            everything = await api.retrieve(question, top_k=50, score_threshold=0.0)
            scores = sorted(item["score"] for item in everything)
            assert len(scores) == len(CORPUS)
            for top_k in (1, 2, 5, 20):
                for at in (1, 15, 30, 38, 43, 44):
                    threshold = max(0.0, (scores[at - 1] + scores[at]) / 2)
                    found = await api.retrieve(question, top_k=top_k, score_threshold=threshold)
                    near = sum(score >= threshold for score in scores) if threshold else 45
                    assert len(found) == min(top_k, near), (question, top_k, threshold)
                    assert not threshold or all(item["score"] >= threshold for item in found)

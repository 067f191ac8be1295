"""The contract of docs/reference/http-api.md, to the letter. What stands here is not changed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import numpy as np
import pytest

from ragwright_api.settings import read_settings
from ragwright_core import cachekeys
from ragwright_core.cachekeys import IndexPoint
from ragwright_core.contract import API_PORT, CACHE_URL_FILE_ENV, DATABASE_URL_FILE_ENV
from ragwright_core.embedding import openai as openai_embedding
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.spec import Api, Cache
from tests.kit.port import VERSION, Port


@pytest.fixture
def contract() -> Port:
    return Port()


@pytest.fixture
async def http(contract: Port) -> AsyncIterator[httpx.AsyncClient]:
    async with contract.client() as client:
        yield client


async def query(http: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    response = await http.post("/api/rag/query", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_query_answers_in_the_contracts_shape(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/api/rag/query",
        json={"question": "What is the refund policy?", "filters": {}, "use_cache": True},
    )
    body = response.json()
    assert list(body) == ["answer", "sources", "from_cache", "latency_ms"]
    assert body["answer"] == "answer to What is the refund policy?"
    assert body["sources"] == ["guide/refunds.md#L10-L42", "https://docs/x"]
    assert body["from_cache"] is False
    assert isinstance(body["latency_ms"], float)
    assert re.search(rb'"latency_ms":\d+\.\d}$', response.content)
    assert response.headers["content-type"] == "application/json"


async def test_filters_and_use_cache_may_be_left_out(http: httpx.AsyncClient) -> None:
    assert (await query(http, question="q"))["from_cache"] is False
    assert (await query(http, question="q"))["from_cache"] is True


async def test_a_hit_differs_only_in_from_cache_and_latency(http: httpx.AsyncClient) -> None:
    first, second = [await query(http, question="q", filters={"a": 1}) for _ in range(2)]
    assert (first.pop("from_cache"), second.pop("from_cache")) == (False, True)
    del first["latency_ms"], second["latency_ms"]
    assert first == second


async def test_use_cache_false_skips_the_read_but_still_stores(
    http: httpx.AsyncClient, contract: Port
) -> None:
    for _ in range(2):
        assert (await query(http, question="q", use_cache=False))["from_cache"] is False
    assert (contract.cache.reads, len(contract.asked.questions)) == (0, 2)
    assert (await query(http, question="q"))["from_cache"] is True


async def test_invalidate_cache(http: httpx.AsyncClient) -> None:
    await query(http, question="q")
    response = await http.post("/api/rag/invalidate-cache")
    assert (response.status_code, response.json()) == (200, {"status": "cache invalidated"})
    assert (await query(http, question="q"))["from_cache"] is False


async def test_questions_that_differ_in_case_and_outer_space_are_one(
    http: httpx.AsyncClient, contract: Port
) -> None:
    await query(http, question="  What is the REFUND policy? \n")
    assert contract.asked.questions == [("what is the refund policy?", {}, 5)]
    assert (await query(http, question="what is the refund policy?"))["from_cache"] is True
    assert (await query(http, question="what is  the refund policy?"))["from_cache"] is False


async def test_filters_count_and_their_order_does_not(http: httpx.AsyncClient) -> None:
    await query(http, question="q", filters={"a": 1, "b": "x"})
    assert (await query(http, question="q", filters={"b": "x", "a": 1}))["from_cache"] is True
    for other in ({}, {"a": 1}, {"a": "1", "b": "x"}, {"a": 1, "b": "X"}):
        assert (await query(http, question="q", filters=other))["from_cache"] is False


async def test_what_else_there_is_to_tell_stands_in_headers(http: httpx.AsyncClient) -> None:
    response = await http.post("/api/rag/query", json={"question": "q"})
    assert response.headers["x-ragwright-version"] == "7"
    assert response.headers["x-ragwright-term"] == "3"
    assert re.search(r"(^|, )total;dur=\d+\.\d$", response.headers["server-timing"])


async def test_answers_live_four_hours_under_their_prefix(
    http: httpx.AsyncClient, contract: Port
) -> None:
    await query(http, question="q")
    ((key, seconds),) = contract.cache.lives.items()
    assert key.startswith("rag:response:")
    assert seconds == 4 * 60 * 60
    assert json.loads(contract.cache.values[key]) == {
        "answer": "answer to q",
        "sources": ["guide/refunds.md#L10-L42", "https://docs/x"],
    }


def test_normalization_and_filters_make_the_keys() -> None:
    assert cachekeys.normalize_question("  What IS it?\t") == "  What IS it?\t".strip().lower()
    filters = {"b": 1, "a": ["x"]}
    assert cachekeys.canonical_filters(filters) == json.dumps(filters, sort_keys=True)


def test_key_prefixes_and_digests() -> None:
    point = IndexPoint("rag_n_p", VERSION.id, 0)
    key = cachekeys.response_key(point, scope="", question="q", filters={}, model="m")
    assert re.fullmatch(r"rag:response:.*[0-9a-f]{64}", key)
    assert re.fullmatch(r"rag:embed:.*[0-9a-f]{64}", cachekeys.embedding_key("rag_n_p", "f", "q"))
    asked = cachekeys.question_embedding_key("rag_n_p", "f", 0, "q")
    assert re.fullmatch(r"rag:embed:.*[0-9a-f]{64}", asked)
    assert asked != cachekeys.embedding_key("rag_n_p", "f", "q")


@pytest.mark.parametrize(
    "other",
    [
        {"point": IndexPoint("rag_n_other", VERSION.id, 0)},
        {"point": IndexPoint("rag_n_p", "another", 0)},
        {"point": IndexPoint("rag_n_p", VERSION.id, 1)},
        {"scope": "someone"},
        {"question": "another"},
        {"filters": {"a": 1}},
        {"model": "another"},
    ],
    ids=["pipeline", "version", "epoch", "scope", "question", "filters", "model"],
)
def test_an_answers_key_says_all_that_it_depends_on(other: dict[str, Any]) -> None:
    same: dict[str, Any] = {
        "point": IndexPoint("rag_n_p", VERSION.id, 0),
        "scope": "",
        "question": "q",
        "filters": {},
        "model": "m",
    }

    def key(values: dict[str, Any]) -> str:
        return cachekeys.response_key(
            values["point"], **{k: v for k, v in values.items() if k != "point"}
        )

    assert key(same) == key(dict(same))
    assert key(same) != key(same | other)


def test_times_to_live() -> None:
    assert Cache().answer_ttl == 4 * 60 * 60
    assert Cache(stable=True).answer_ttl == 24 * 60 * 60
    assert Cache().embedding_ttl_seconds == 30 * 24 * 60 * 60


def test_batches_of_a_hundred() -> None:
    assert openai_embedding.BATCH == 100


async def test_texts_are_embedded_in_batches_of_a_hundred(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    async def batch(self: object, texts: Sequence[str]) -> np.ndarray:
        sizes.append(len(texts))
        return np.ones((len(texts), 4), np.float32)

    monkeypatch.setattr(openai_embedding.OpenAIEmbedder, "_batch", batch)
    descriptor = EmbeddingDescriptor(
        provider="openai", model="m", dimensions=4, base_url="http://h/v1"
    )
    embedder = openai_embedding.OpenAIEmbedder(descriptor, None)
    await embedder.embed_documents(["text"] * 250)
    await embedder.close()
    assert sizes == [100, 100, 50]


def test_deployment_defaults() -> None:
    api = Api()
    assert api.replicas == 3
    assert API_PORT == 8000
    assert api.resources.model_dump() == {
        "requests": {"cpu": "500m", "memory": "512Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }


def test_names_in_the_environment(tmp_path: Any) -> None:
    settings = {
        "pipeline": {"namespace": "n", "name": "p", "uid": "u", "cluster": "c"},
        "llm": {},
        "retrieval": {},
        "cache": {},
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    (tmp_path / "redis").write_text("redis://from-file/0")
    read = read_settings(
        {
            "RAGWRIGHT_SETTINGS_FILE": str(tmp_path / "settings.json"),
            "VECTOR_DB_URL": "postgresql://h/db",
            "REDIS_URL_FILE": str(tmp_path / "redis"),
        }
    )
    assert read.database_url() == "postgresql://h/db"
    assert read.cache_url
    assert read.cache_url() == "redis://from-file/0"
    assert DATABASE_URL_FILE_ENV == "VECTOR_DB_URL_FILE"
    assert CACHE_URL_FILE_ENV == "REDIS_URL_FILE"


async def test_the_reply_is_described_as_it_is_sent(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json")).json()["components"]["schemas"]
    assert list(schema["QueryRequest"]["properties"]) == ["question", "filters", "use_cache"]
    assert list(schema["QueryResponse"]["properties"]) == [
        "answer",
        "sources",
        "from_cache",
        "latency_ms",
    ]

"""Any endpoint that speaks OpenAI's embeddings protocol, and how it may fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from ragwright_core.embedding import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
    TextRefusedError,
)
from ragwright_core.embedding.openai import OpenAIEmbedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from tests.servers.openai_server import Endpoint, vector

Make = Callable[..., OpenAIEmbedder]


@pytest.fixture
async def make(endpoint: Endpoint) -> AsyncIterator[Make]:
    made: list[OpenAIEmbedder] = []

    def embedder(
        secret_file: Path | None = None, deadline: float = 20, **fields: object
    ) -> OpenAIEmbedder:
        descriptor = EmbeddingDescriptor.model_validate(
            {
                "provider": "openai",
                "model": "test-model",
                "dimensions": 64,
                "base_url": endpoint.url,
                **fields,
            }
        )
        made.append(OpenAIEmbedder(descriptor, secret_file, deadline=deadline))
        return made[-1]

    yield embedder
    for one in made:
        await one.close()


async def test_batches_of_a_hundred_in_order(endpoint: Endpoint, make: Make) -> None:
    texts = [f"text number {n}" for n in range(230)]

    vectors = await make().embed_documents(texts)

    assert [len(call["input"]) for call in endpoint.told.embedding_calls] == [100, 100, 30]
    assert endpoint.told.embedding_calls[0]["dimensions"] == 64
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [vector(text, 64) for text in texts], atol=1e-6)


async def test_vectors_are_sorted_and_normalised(endpoint: Endpoint, make: Make) -> None:
    endpoint.told.spoil = lambda rows: [[5 * x for x in row] for row in rows]

    vectors = await make().embed_documents(["one", "two"])

    np.testing.assert_allclose(vectors, [vector("one", 64), vector("two", 64)], atol=1e-6)


async def test_prefixes_stand_before_the_text(endpoint: Endpoint, make: Make) -> None:
    embedder = make(document_prefix="passage: ", query_prefix="query: ")

    await embedder.embed_documents(["a"])
    await embedder.embed_queries(["b"])

    assert endpoint.told.texts == ["passage: a", "query: b"]


@pytest.mark.parametrize("failures", [[500, 503], [429], [0], [429, 0, 500]])
async def test_what_passes_is_asked_again(
    endpoint: Endpoint, make: Make, failures: list[int]
) -> None:
    endpoint.told.failures.extend(failures)
    endpoint.told.retry_after = "0"

    vectors = await make().embed_documents(["text"])

    assert vectors.shape == (1, 64)
    assert len(endpoint.told.keys_seen) == len(failures) + 1


@pytest.mark.parametrize("status", [429, 500, 0])
async def test_the_wait_ends(endpoint: Endpoint, make: Make, status: int) -> None:
    endpoint.told.always = status

    with pytest.raises(EmbeddingUnavailableError, match=r"did not embed within 0\.5 s"):
        await make(deadline=0.5).embed_documents(["text"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_final(endpoint: Endpoint, make: Make, status: int) -> None:
    endpoint.told.always = status

    with pytest.raises(EmbeddingRejectedError, match=f"HTTP {status}"):
        await make().embed_documents(["text"])

    assert len(endpoint.told.keys_seen) == 1


@pytest.mark.parametrize(
    ("status", "of_text"), [(400, True), (413, True), (422, True), (403, False)]
)
async def test_one_text_is_refused(
    endpoint: Endpoint, make: Make, status: int, of_text: bool
) -> None:
    endpoint.told.refuse_texts = lambda texts: status if "bad" in texts else None

    with pytest.raises(EmbeddingRejectedError, match=f"HTTP {status}") as refused:
        await make().embed_documents([*(f"good {n}" for n in range(60)), "bad"])

    assert isinstance(refused.value, TextRefusedError) is of_text


async def test_an_endpoint_that_takes_fewer_at_once_gets_fewer(
    endpoint: Endpoint, make: Make
) -> None:
    """Text Embeddings Inference takes 32 unless told otherwise, and answers 422 to more."""
    endpoint.told.refuse_texts = lambda texts: 422 if len(texts) > 32 else None
    texts = [f"text number {n}" for n in range(230)]

    vectors = await make().embed_documents(texts)

    np.testing.assert_allclose(vectors, [vector(text, 64) for text in texts], atol=1e-6)
    assert endpoint.told.texts == texts, "each was embedded once"
    assert len(endpoint.told.came) == len(endpoint.told.embedding_calls) + 3, "refused thrice"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: rows[:-1], "returned 1 vectors"),
        (lambda rows: [row[:10] for row in rows], "10"),
        (lambda rows: [[0.0] * 64 for _ in rows], "zero or not finite"),
        (lambda rows: [[float("nan")] * 64 for _ in rows], "zero or not finite"),
    ],
)
async def test_wrong_vectors_are_refused(
    endpoint: Endpoint,
    make: Make,
    spoil: Callable[[list[list[float]]], list[list[float]]],
    words: str,
) -> None:
    endpoint.told.spoil = spoil

    with pytest.raises(EmbeddingRejectedError, match=words):
        await make().embed_documents(["one", "two"])


async def test_a_model_of_one_size_is_asked_without_dimensions(
    endpoint: Endpoint, make: Make
) -> None:
    endpoint.told.refuse_dimensions = True
    embedder = make()

    await embedder.embed_documents(["one"])
    await embedder.embed_documents(["two"])

    assert len(endpoint.told.keys_seen) == 3
    assert ["dimensions" in call for call in endpoint.told.embedding_calls] == [False, False]


async def test_a_key_is_read_anew_for_each_call(
    endpoint: Endpoint, make: Make, tmp_path: Path
) -> None:
    """A Secret may come late, be wrong, and be renewed, without a restart."""
    endpoint.told.api_key = "right"
    file = tmp_path / "openai" / "api-key"
    embedder = make(secret_file=file)

    with pytest.raises(SecretMissingError, match="Secret openai has no key api-key"):
        await embedder.embed_queries(["text"])
    file.parent.mkdir()
    file.write_text("wr0ng\n")
    with pytest.raises(EmbeddingRejectedError, match="HTTP 401") as refused:
        await embedder.embed_queries(["text"])
    file.write_text("right\n")
    await embedder.embed_queries(["text"])

    assert "wr0ng" not in str(refused.value)
    assert endpoint.told.keys_seen == ["Bearer wr0ng", "Bearer right"]


async def test_no_texts_ask_nothing(endpoint: Endpoint, make: Make) -> None:
    assert (await make().embed_documents([])).shape == (0, 64)
    assert endpoint.told.keys_seen == []

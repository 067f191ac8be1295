"""Any endpoint that speaks OpenAI's embeddings protocol, and how it may fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from dev.loopback import LOOPBACK
from dev.servers.openai_server import Endpoint, vector
from ragwright_core.embedding import (
    EmbeddingChangedError,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
    TextRefusedError,
)
from ragwright_core.embedding.openai import OpenAIEmbedder, Witness
from ragwright_core.index.descriptor import EmbeddingDescriptor

Make = Callable[..., OpenAIEmbedder]
WITNESS = Witness("who goes there?", np.asarray(vector("who goes there?", 64), np.float32))


@pytest.fixture
async def make(endpoint: Endpoint) -> AsyncIterator[Make]:
    made: list[OpenAIEmbedder] = []

    def embedder(
        secret_file: Path | None = None,
        deadline: float = 20,
        witness: Witness | None = None,
        **fields: object,
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
        made.append(
            OpenAIEmbedder(descriptor, secret_file, LOOPBACK, deadline=deadline, witness=witness)
        )
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

    asked_whether_others_are_embedded = status not in (400, 422)
    assert len(endpoint.told.keys_seen) == 1 + asked_whether_others_are_embedded


@pytest.mark.parametrize("status", [400, 413, 422, 403])
async def test_one_text_is_refused(endpoint: Endpoint, make: Make, status: int) -> None:
    endpoint.told.refuse_texts = lambda texts: status if "bad" in texts else None

    with pytest.raises(TextRefusedError, match=f"HTTP {status}"):
        await make().embed_documents([*(f"good {n}" for n in range(60)), "bad"])


async def test_a_key_that_is_renewed_meanwhile_blames_no_text(
    endpoint: Endpoint, make: Make
) -> None:
    endpoint.told.failures.append(401)

    assert (await make().embed_documents(["text"])).shape == (1, 64)


@pytest.mark.parametrize("status", [500, 429])
async def test_an_outage_blames_no_text_and_makes_no_batch_smaller(
    endpoint: Endpoint, make: Make, status: int
) -> None:
    endpoint.told.failures.extend([status] * 6)
    embedder, texts = make(), [f"text number {n}" for n in range(100)]

    for _ in range(2):
        await embedder.embed_documents(texts)

    sizes = [len(call["input"]) for call in endpoint.told.embedding_calls]
    assert [size for size in sizes if size > 1] == [100, 100]


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
    assert endpoint.told.keys_seen == ["Bearer wr0ng", "Bearer wr0ng", "Bearer right"]


async def test_no_texts_ask_nothing(endpoint: Endpoint, make: Make) -> None:
    assert (await make().embed_documents([])).shape == (0, 64)
    assert endpoint.told.keys_seen == []


def another_model(rows: list[list[float]]) -> list[list[float]]:
    return [row[::-1] for row in rows]


@pytest.mark.parametrize("at_once", [100, 32, 2, 1])
async def test_a_witness_goes_with_every_request(
    endpoint: Endpoint, make: Make, at_once: int
) -> None:
    """Of an endpoint that takes one text at once, between any two texts, before and after all."""
    endpoint.told.refuse_texts = lambda texts: 422 if len(texts) > at_once else None
    texts = [f"text number {n}" for n in range(150)]

    vectors = await make(witness=WITNESS).embed_documents(texts)

    np.testing.assert_allclose(vectors, [vector(text, 64) for text in texts], atol=1e-6)
    calls = [call["input"] for call in endpoint.told.embedding_calls]
    if at_once > 1:
        assert {call[-1] for call in calls} == {WITNESS.text}
    else:
        asked = [text for (text,) in calls]
        assert asked == [WITNESS.text, *(said for text in texts for said in (text, WITNESS.text))]


@pytest.mark.parametrize("at_once", [100, 1])
async def test_another_model_is_told_by_the_witness(
    endpoint: Endpoint, make: Make, at_once: int
) -> None:
    endpoint.told.refuse_texts = lambda texts: 422 if len(texts) > at_once else None
    embedder = make(witness=WITNESS)
    await embedder.embed_documents(["one"])
    endpoint.told.spoil = another_model

    with pytest.raises(EmbeddingChangedError, match="another model under the same name"):
        await embedder.embed_documents(["two"])


async def test_a_text_that_is_refused_is_told_from_an_endpoint_that_refuses_all(
    endpoint: Endpoint, make: Make
) -> None:
    embedder = make(witness=WITNESS)
    endpoint.told.refuse_texts = lambda texts: 400 if "bad" in texts else None
    with pytest.raises(TextRefusedError):
        await embedder.embed_documents(["good", "bad"])

    endpoint.told.always = 400
    with pytest.raises(EmbeddingRejectedError) as refused:
        await embedder.embed_documents(["good"])
    assert not isinstance(refused.value, TextRefusedError)

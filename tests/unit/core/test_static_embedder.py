"""The embedded model: unit vectors, the nearest text is the one about the same thing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ragwright_core.embedding import static
from ragwright_core.embedding.make import make_embedder
from ragwright_core.index.descriptor import EmbeddingDescriptor

TEXTS = ["Refunds are paid within 14 days.", "The cat sleeps on the sofa.", "Install with pip."]


@pytest.mark.parametrize("dimensions", [64, 128, 256])
async def test_unit_vectors_near_what_they_are_about(dimensions: int) -> None:
    model = EmbeddingDescriptor(provider="embedded", model="wordllama", dimensions=dimensions)
    embedder = make_embedder(model, Path("/nowhere"))

    documents = await embedder.embed_documents([*TEXTS, "", "   "])
    (question,) = await embedder.embed_queries(["What is the refund policy?"])

    assert documents.shape == (5, dimensions)
    assert documents.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(documents, axis=1), 1, rtol=1e-5)
    assert int(np.argmax(documents[:3] @ question)) == 0


async def test_prefixes_stand_before_the_text() -> None:
    plain = static.StaticEmbedder(64, "", "")
    prefixed = static.StaticEmbedder(64, "passage: ", "query: ")

    expected = await plain.embed_documents(["passage: x", "query: x"])

    np.testing.assert_array_equal(await prefixed.embed_documents(["x"]), expected[:1])
    np.testing.assert_array_equal(await prefixed.embed_queries(["x"]), expected[1:])


def test_an_altered_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "WEIGHTS_SHA256", "0" * 64)
    static._table.cache_clear()

    with pytest.raises(RuntimeError, match="not the file"):
        static._table()


async def test_no_texts_give_no_vectors() -> None:
    assert (await static.StaticEmbedder(64, "", "").embed_documents([])).shape == (0, 64)

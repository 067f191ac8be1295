"""MiniLM: the vectors are those of the original model, whatever the tokenizer's file asks for.

Expected values come from all-MiniLM-L6-v2's float32 weights, computed by hand in numpy.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ragwright_core.embedding import minilm
from ragwright_core.embedding.make import make_embedder
from ragwright_core.embedding.minilm import MiniLmEmbedder
from ragwright_core.embedding.tokens import token_counter
from ragwright_core.index.descriptor import embedding_descriptor
from ragwright_core.spec import Embedding

REFUNDS, CAT, PIP = (
    "Refunds are paid within 14 days.",
    "The cat sleeps on the sofa.",
    "Install with pip.",
)
QUESTION = "What is the refund policy?"
LONG = "drain the node first, wait until every connection has closed. " * 40
TEXTS = [REFUNDS, CAT, PIP, QUESTION, LONG]
COSINES = [
    [1.0, -0.033, -0.092, 0.623, -0.010],
    [-0.033, 1.0, 0.068, -0.003, 0.021],
    [-0.092, 0.068, 1.0, -0.098, 0.165],
    [0.623, -0.003, -0.098, 1.0, -0.030],
    [-0.010, 0.021, 0.165, -0.030, 1.0],
]
BEGINNINGS = {
    REFUNDS: [-0.0669, 0.0415, 0.1030, 0.0083],
    QUESTION: [-0.0924, 0.0538, 0.0462, 0.0294],
    LONG: [-0.0663, 0.0175, -0.0499, 0.0102],
}


async def test_vectors_are_the_original_models() -> None:
    embedder = make_embedder(embedding_descriptor(Embedding(model="minilm")), Path("/nowhere"))

    vectors = await embedder.embed_documents(TEXTS)

    assert vectors.shape == (5, embedder.dimensions) == (5, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(vectors @ vectors.T, COSINES, atol=0.02)
    for text, beginning in BEGINNINGS.items():
        np.testing.assert_allclose(vectors[TEXTS.index(text)][:4], beginning, atol=0.006)


def test_a_text_has_one_vector_in_whatever_company() -> None:
    embedder = MiniLmEmbedder("", "")
    alone = embedder.embed([CAT])[0]
    among = embedder.embed([LONG, CAT, "", *[f"word {n}" * n for n in range(20)]])[1]

    np.testing.assert_allclose(among, alone, atol=1e-4)


def test_256_tokens_are_read_and_no_more() -> None:
    marks, words = 2, ["drain"] * 300
    embedder = MiniLmEmbedder("", "")
    longest, longer, shorter = (
        embedder.embed([" ".join(words[:count])])[0]
        for count in (minilm.MAX_TOKENS - marks, 300, 200)
    )

    np.testing.assert_array_equal(longer, longest)
    assert np.abs(longest - shorter).max() > 1e-3


def test_the_tokenizer_neither_pads_nor_cuts() -> None:
    count = token_counter("minilm")

    assert minilm.tokenizer().encode(QUESTION).ids == [
        101, 2054, 2003, 1996, 25416, 8630, 3343, 1029, 102,
    ]  # fmt: skip
    assert count(QUESTION) == 7
    assert count("drain " * 1000) == 1000


async def test_prefixes_stand_before_the_text() -> None:
    plain, prefixed = MiniLmEmbedder("", ""), MiniLmEmbedder("passage: ", "query: ")

    for given, expected in (
        (await prefixed.embed_documents(["x"]), "passage: x"),
        (await prefixed.embed_queries(["x"]), "query: x"),
    ):
        np.testing.assert_array_equal(given, await plain.embed_documents([expected]))


async def test_no_texts_give_no_vectors_and_an_empty_one_has_a_vector() -> None:
    embedder = MiniLmEmbedder("", "")

    assert (await embedder.embed_documents([])).shape == (0, 384)
    assert np.isfinite(await embedder.embed_documents([""])).all()


def test_only_the_static_model_is_cheaper_than_redis() -> None:
    openai = Embedding(provider="openai", model="wordllama", dimensions=8)
    given = (Embedding(), Embedding(model="minilm"), openai)

    assert [embedding_descriptor(item).is_worth_caching for item in given] == [False, True, True]


@pytest.mark.parametrize("name", ["MODEL_SHA256", "TOKENIZER_SHA256"])
def test_an_altered_file_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, name, "0" * 64)
    read = minilm._session if name == "MODEL_SHA256" else minilm.tokenizer
    read.cache_clear()

    with pytest.raises(RuntimeError, match="not the file"):
        read()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("150000 100000", 1),
        ("290000 100000", 2),
        ("max 100000", 4),
        (None, 4),
    ],
)
def test_as_many_threads_as_the_container_has_cpus(
    written: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    file = tmp_path / "cpu.max"
    if written:
        file.write_text(f"{written}\n")

    assert minilm.threads(file) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priority of a thread")
async def test_embedding_gives_way_to_the_thread_that_answers() -> None:
    own = threading.get_native_id()
    before = os.getpriority(os.PRIO_PROCESS, own)
    await MiniLmEmbedder("", "").embed_queries(["x"])

    def embedding_thread() -> int:
        return threading.get_native_id()

    (embeds,) = set(await asyncio.gather(*(
        asyncio.get_running_loop().run_in_executor(minilm._worker(), embedding_thread)
        for _ in range(5)
    )))  # fmt: skip

    assert os.getpriority(os.PRIO_PROCESS, embeds) == 19
    assert os.getpriority(os.PRIO_PROCESS, own) == before

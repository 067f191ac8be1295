"""Whole sentences, exactly as written, best first, with their sources."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from ragwright_api.answering.answerers.base import NOTHING_FOUND, Answer
from ragwright_api.answering.answerers.extractive import ExtractiveAnswerer, sentences
from ragwright_api.retrieval.embedders import Compare, Embedders
from ragwright_core.embedding.base import Vectors
from ragwright_core.embedding.static import StaticEmbedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.search.found import Found

TEXT = """# Refund policy

Refunds are paid within 14 days of the request, e.g. by card
or by transfer. Opened software is not refunded! Is it "as new"?
Then it is.

- First item of a list that says something
- Second item, which says another thing

```python
return_the_money(order)
```
"""


def chunk(text: str, number: int = 1, url: str | None = None) -> Found:
    return Found(
        id=number,
        source="docs",
        path=f"doc{number}.md",
        url=url,
        title="",
        place="L1-L9",
        first_line=1,
        last_line=9,
        text=text,
        score=0.5,
    )


async def answered(question: str, *found: Found, embedder: StaticEmbedder | None = None) -> Answer:
    """By the model of a version, as questions are answered."""
    model = embedder or StaticEmbedder(256, "", "")
    descriptor = EmbeddingDescriptor(provider="embedded", model="wordllama", dimensions=256)
    embedders = Embedders(lambda _: model)
    compare: Compare = partial(embedders.similarities, descriptor, model.embed([question])[0])
    return await ExtractiveAnswerer().answer(question, found, compare, lambda _: None)


def test_sentences_stand_in_the_document_as_they_are_quoted() -> None:
    found = sentences(TEXT)
    assert found == [
        "Refunds are paid within 14 days of the request, e.g. by card\nor by transfer.",
        "Opened software is not refunded!",
        'Is it "as new"?',
        "- First item of a list that says something",
        "- Second item, which says another thing",
        "return_the_money(order)",
    ]
    assert all(sentence in TEXT for sentence in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Title of it\n===========\n\nText that says it.", ["Text that says it."]),
        ("# Title of it\nText that says it.", ["Text that says it."]),
        ("Ask Dr. Who about vs. Next one here.", ["Ask Dr. Who about vs. Next one here."]),
        ("Version 2.0 came out. Überall neu.", ["Version 2.0 came out.", "Überall neu."]),
        ("no capitals. but whole sentences.", ["no capitals. but whole sentences."]),
        ("Shorter. Than that one before.", ["Than that one before."]),
        ("x" * 601, []),
        ("", []),
    ],
)
def test_sentence_borders(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


async def test_the_nearest_sentences_are_quoted_with_their_sources_in_order() -> None:
    answer = await answered(
        "When are refunds paid?",
        chunk("The harbour opens at nine. Ships are painted blue every year.", 1),
        chunk("Refunds are paid within 14 days. Cats sleep a lot. Paid refunds are final.", 2),
    )
    quoted = answer.text.split("\n")
    assert len(quoted) == 3
    assert quoted[0] == "Refunds are paid within 14 days. [1]"
    assert quoted[1] == "Paid refunds are final. [1]"
    assert answer.sources[0] == "doc2.md#L1-L9"


async def test_a_sentence_that_stands_in_two_chunks_is_quoted_once() -> None:
    both = (chunk("Refunds take 14 days.", number) for number in (1, 2))
    answer = await answered("refunds?", *both)
    assert answer.text == "Refunds take 14 days. [1]"
    assert answer.sources == ("doc1.md#L1-L9",)


async def test_nothing_retrieved_is_said() -> None:
    answer = await answered("x")
    assert (answer.text, answer.sources) == (NOTHING_FOUND, ())


async def test_a_chunk_without_a_sentence_is_quoted_from_its_beginning() -> None:
    table = chunk("|" + "x" * 700, url="https://docs.example/table")
    answer = await answered("x", table)
    assert answer.text == f"{table.text[:600]} [1]"
    assert answer.sources == ("https://docs.example/table",)


async def test_sentences_are_compared_by_the_versions_own_model() -> None:
    class Backwards(StaticEmbedder):
        """Finds most alike what others find least alike."""

        async def embed_documents(self, texts: Sequence[str]) -> Vectors:
            return -self.embed(texts)

    found = chunk("Refunds take 14 days. Ships are painted blue.")
    answer = await answered("refunds", found, embedder=Backwards(256, "", ""))
    assert answer.text.startswith("Ships")

"""Whole sentences, exactly as written, best first, with their sources."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ragwright_api.answerers.base import NOTHING_FOUND
from ragwright_api.answerers.extractive import ExtractiveAnswerer, sentences
from ragwright_api.retrieval import Retrieved
from ragwright_api.search import Found
from ragwright_core.embedding.base import Vectors
from ragwright_core.embedding.static import StaticEmbedder

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
        first_line=1,
        last_line=9,
        text=text,
        score=0.5,
    )


def retrieved(question: str, *found: Found) -> Retrieved:
    embedder = StaticEmbedder(256, "", "")
    return Retrieved(found, embedder.embed([question])[0], embedder)


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
    answer = await ExtractiveAnswerer().answer(
        "When are refunds paid?",
        retrieved(
            "When are refunds paid?",
            chunk("The harbour opens at nine. Ships are painted blue every year.", 1),
            chunk("Refunds are paid within 14 days. Cats sleep a lot. Paid refunds are final.", 2),
        ),
    )
    quoted = answer.text.split("\n")
    assert len(quoted) == 3
    assert quoted[0] == "Refunds are paid within 14 days. [1]"
    assert quoted[1] == "Paid refunds are final. [1]"
    assert answer.sources[0] == "doc2.md#L1-L9"


async def test_a_sentence_that_stands_in_two_chunks_is_quoted_once() -> None:
    both = (chunk("Refunds take 14 days.", number) for number in (1, 2))
    answer = await ExtractiveAnswerer().answer("refunds?", retrieved("refunds?", *both))
    assert answer.text == "Refunds take 14 days. [1]"
    assert answer.sources == ("doc1.md#L1-L9",)


async def test_nothing_retrieved_is_said() -> None:
    answer = await ExtractiveAnswerer().answer("x", retrieved("x"))
    assert (answer.text, answer.sources) == (NOTHING_FOUND, ())


async def test_a_chunk_without_a_sentence_is_quoted_from_its_beginning() -> None:
    table = chunk("|" + "x" * 700, url="https://docs.example/table")
    answer = await ExtractiveAnswerer().answer("x", retrieved("x", table))
    assert answer.text == f"{table.text[:600]} [1]"
    assert answer.sources == ("https://docs.example/table",)


async def test_sentences_are_compared_by_the_versions_own_model() -> None:
    class Backwards(StaticEmbedder):
        """Finds most alike what others find least alike."""

        async def embed_documents(self, texts: Sequence[str]) -> Vectors:
            return -self.embed(texts)

    embedder = Backwards(256, "", "")
    found = (chunk("Refunds take 14 days. Ships are painted blue."),)
    vector = embedder.embed(["refunds"])[0]
    answer = await ExtractiveAnswerer().answer("refunds", Retrieved(found, vector, embedder))
    assert answer.text.startswith("Ships")

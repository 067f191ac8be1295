"""Chunks quote their document exactly."""

from __future__ import annotations

import hashlib

import pytest

from ragwright_core.index.descriptor import embedding_descriptor
from ragwright_core.spec import Chunking, Embedding
from ragwright_ingest.formats.find import known_formats
from ragwright_ingest.loading.chunk import chunks, token_limit

parse = known_formats().parse

MARKDOWN = "\n\n".join(
    f"## Section {number}\n\nÄ sentence with an emoji 🦊 and {number} words. " * 3
    for number in range(20)
)
DOCUMENTS = {
    "markdown": ("a.md", MARKDOWN),
    "windows lines": ("a.md", MARKDOWN.replace("\n", "\r\n")),
    "restructuredtext": ("a.rst", "Title\n=====\n\n" + "Some prose here. " * 60 + "\n\n* a list\n"),
    "one long line": ("a.txt", "word " * 500),
    "byte order mark": ("a.txt", "\ufeff" + "word " * 100),
}


@pytest.mark.parametrize("overlap", [0, 60])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_offsets_and_lines_are_exact(name: str, overlap: int) -> None:
    path, text = DOCUMENTS[name]
    parsed = parse(path, text.encode())
    found = chunks(parsed, Chunking(max_characters=200, overlap_characters=overlap))
    lines = parsed.text.split("\n")

    assert len(found) > 2
    assert [chunk.position for chunk in found] == list(range(len(found)))
    for chunk in found:
        assert parsed.text[chunk.start : chunk.end] == chunk.text
        assert len(chunk.text) <= 200
        first, last = chunk.place.first_line, chunk.place.last_line
        assert first is not None
        assert last is not None
        assert chunk.place.anchor == f"L{first}-L{last}"
        quoted = "\n".join(lines[first - 1 : last])
        assert chunk.text in quoted
        assert "\n".join(lines[first:last]).find(chunk.text) == -1


SCRIPTS = {
    "english": "Refunds are paid within thirty days of the return. " * 40,
    "emoji": "🦊🎉👩‍👩‍👧 " * 200,
    "chinese": "退款将在三十天内支付。" * 80,
    "digits": "0123456789" * 100,
    "one long word": "w" * 3000,
}


@pytest.mark.parametrize("overlap", [0, 60])
@pytest.mark.parametrize("model", ["minilm", "wordllama"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_both_limits_hold(name: str, model: str, overlap: int) -> None:
    settings = Chunking(max_characters=120, overlap_characters=overlap, max_tokens=16)
    limit = token_limit(settings, embedding_descriptor(Embedding(model=model)))
    assert limit is not None
    parsed = parse("a.txt", SCRIPTS[name].encode())

    found = chunks(parsed, settings, limit)

    assert max(len(chunk.text) for chunk in found) <= 120
    # An overlap may begin within a word, whose rest is one more token.
    assert max(limit.count(chunk.text) for chunk in found) <= 16 + (overlap > 0)
    covered = {at for chunk in found for at in range(chunk.start, chunk.end)}
    assert all(parsed.text[at].isspace() for at in set(range(len(parsed.text))) - covered)


def test_the_larger_limit_does_not_show() -> None:
    parsed = parse("a.md", MARKDOWN.encode())
    by_characters = Chunking(max_characters=200, max_tokens=2000)
    by_tokens = Chunking(max_characters=8000, max_tokens=30)
    minilm = embedding_descriptor(Embedding(model="minilm"))

    plain = chunks(parsed, by_characters)
    assert chunks(parsed, by_characters, token_limit(by_characters, minilm)) == plain
    tokens = token_limit(by_tokens, minilm)
    assert tokens is not None
    counts = [tokens.count(chunk.text) for chunk in chunks(parsed, by_tokens, tokens)]
    assert 20 < max(counts) <= 30


@pytest.mark.parametrize(
    ("embedding", "written", "expected"),
    [
        (Embedding(), None, None),
        (Embedding(), 50, 50),
        (Embedding(model="minilm"), None, 200),
        (Embedding(model="minilm"), 50, 50),
        (Embedding(provider="openai", model="minilm", dimensions=8), None, None),
    ],
)
def test_a_model_that_reads_little_has_a_limit_of_its_own(
    embedding: Embedding, written: int | None, expected: int | None
) -> None:
    found = token_limit(Chunking(max_tokens=written), embedding_descriptor(embedding))

    assert (found.tokens if found else None) == expected


def test_every_word_is_in_a_chunk() -> None:
    parsed = parse("a.md", MARKDOWN.encode())
    found = chunks(parsed, Chunking(max_characters=200))

    assert "".join("".join(chunk.text.split()) for chunk in found) == "".join(MARKDOWN.split())


@pytest.mark.parametrize("text", ["", "  \n\n \t\n"])
def test_an_empty_document_has_no_chunks(text: str) -> None:
    assert chunks(parse("a.md", text.encode()), Chunking()) == []


def test_equal_text_has_an_equal_hash() -> None:
    (chunk,) = chunks(parse("a.txt", b"the same"), Chunking())

    assert chunk.hash == hashlib.sha256(b"the same").digest()

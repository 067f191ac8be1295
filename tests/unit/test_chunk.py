"""Chunks quote their document exactly."""

from __future__ import annotations

import hashlib

import pytest

from ragwright_core.spec import Chunking
from ragwright_ingest.chunk import chunks
from ragwright_ingest.parse import parse

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
        quoted = "\n".join(lines[chunk.first_line - 1 : chunk.last_line])
        assert chunk.text in quoted
        assert "\n".join(lines[chunk.first_line : chunk.last_line]).find(chunk.text) == -1


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

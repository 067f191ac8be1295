"""A long text is taken apart where nobody would mind, into pieces that are bounded."""

from __future__ import annotations

import random

import pytest

from ragwright_core.spec import Chunking
from ragwright_ingest.formats.find import known_formats
from ragwright_ingest.loading.chunk import chunks
from ragwright_ingest.loading.pieces import LONGEST_BLOCK, LONGEST_TEXT, pieces

SIZE = 1_000_000
_DRAW = random.Random(1)
PROSE = "\n\n".join(f"A sentence of prose, number {n}. " * 9 for n in range(SIZE // 300))
TEXTS = {
    "one letter": "x" * SIZE,
    "words": "word " * (SIZE // 5),
    "lines": "a line of text\n" * (SIZE // 15),
    "lines of Windows": "a line of text\r\n" * (SIZE // 16),
    "prose": PROSE,
    "line breaks": "\n" * SIZE,
    "prose around a long line": f"{PROSE[:50_000]}\n\n{'x' * 50_000}\n\n{PROSE[:50_000]}",
    "draws": "".join(_DRAW.choices("ab \n", weights=(9, 9, 2, 1), k=SIZE)),
    "nothing": "",
}


@pytest.mark.parametrize("longest_chunk", [100, 1000, 8000])
@pytest.mark.parametrize("name", TEXTS)
def test_pieces_are_the_text_and_are_bounded(name: str, longest_chunk: int) -> None:
    text = TEXTS[name]
    found = list(pieces(text, longest_chunk))
    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)
    assert all(end - start <= LONGEST_TEXT for start, end in found)
    bound = max(LONGEST_BLOCK, 4 * longest_chunk)
    blocks = [text[start:end].strip() for start, end in found]
    assert all(len(block) <= bound for block in blocks if "\n\n" not in block)
    # Each piece costs a call, so that there may not be many of them.
    assert len(found) <= 4 * len(text) / bound + 1


def test_a_text_of_people_is_one_piece() -> None:
    text = PROSE[:LONGEST_TEXT]
    assert list(pieces(text, 1000)) == [(0, len(text))]


def test_a_long_text_is_parted_at_blank_lines_alone() -> None:
    found = list(pieces(PROSE, 1000))
    assert len(found) > 5
    assert all(PROSE[:start].endswith("\n\n") for start, _ in found[1:])


def test_a_long_line_is_parted_between_words() -> None:
    text = "word " * 5000
    assert all(text[:start].endswith(" ") for start, _ in pieces(text, 1000) if start)


@pytest.mark.parametrize("path", ["a.md", "a.txt"])
@pytest.mark.parametrize("name", ["one letter", "prose around a long line", "draws"])
def test_chunks_of_pieces_quote_the_document_exactly(name: str, path: str) -> None:
    parsed = known_formats().parse(path, TEXTS[name][:120_000].encode())
    found = chunks(parsed, Chunking())
    assert [chunk.position for chunk in found] == list(range(len(found)))
    assert all(parsed.text[chunk.start : chunk.end] == chunk.text for chunk in found)
    assert "".join("".join(c.text.split()) for c in found) == "".join(parsed.text.split())
    assert max(len(chunk.text) for chunk in found) <= 1000
    lines = parsed.text.split("\n")
    for chunk in found:
        assert chunk.place.first_line is not None
        assert chunk.text.split("\n")[0] in lines[chunk.place.first_line - 1]

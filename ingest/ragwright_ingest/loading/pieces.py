"""Takes a text apart where it is long, because cutting takes the square of a text's length.

Texts of people are left whole, or parted at blank lines. A block without a blank line is parted
only if it is very long: minified code, base64, a large table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST_TEXT = 100_000
LONGEST_BLOCK = 10_000
# A block holds so many chunks at least, so that few of them are short because it ends.
_CHUNKS_IN_BLOCK = 4
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")

Span = tuple[int, int]


def pieces(text: str, longest_chunk: int) -> Iterator[Span]:
    """Ranges [start, end) that are together the text. Each is cut by itself."""
    longest_block = max(LONGEST_BLOCK, _CHUNKS_IN_BLOCK * longest_chunk)
    start = before = 0
    for end in _ends_of_blocks(text):
        if end - before > longest_block:
            if start < before:
                yield start, before
            yield from _parts(text, before, end, longest_block)
            start = end
        elif end - start > LONGEST_TEXT:
            yield start, before
            start = before
        before = end
    if start < before:
        yield start, before


def _ends_of_blocks(text: str) -> Iterator[int]:
    for blank in _BLANK_LINE.finditer(text):
        yield blank.end()
    yield len(text)


def _parts(text: str, start: int, end: int, longest: int) -> Iterator[Span]:
    """Parts of a block that end with a line, or else a word, or else anywhere."""
    while end - start > longest:
        middle, limit = start + longest // 2, start + longest
        found = text.rfind("\n", middle, limit)
        if found < 0:
            found = text.rfind(" ", middle, limit)
        cut = limit if found < 0 else found + 1
        yield start, cut
        start = cut
    if start < end:
        yield start, end

"""Shared by formats that are lines of text. Their text is the unchanged file without a byte order
mark, so that it can be quoted by line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from ragwright_core.index.version.place import Place
from ragwright_ingest.unreadable import MAX_BYTES, UnreadableError, too_large


def decoded(content: bytes) -> str:
    """The text. Raises UnreadableError if the content is too large, binary or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise too_large(len(content))
    if b"\0" in content:
        raise UnreadableError("holds NUL bytes: a binary file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None


def title(path: str, text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    """The group `title` of the first pattern that matches near the top, else the file's name."""
    head = text[:5000]
    for pattern in patterns:
        if found := pattern.search(head):
            return found["title"].strip(" \t\r\"'")[:200]
    return PurePosixPath(path).stem


def by_line(text: str) -> Callable[[int, int], Place]:
    """A function that finds the lines, counted from 1, of a range of characters."""
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]

    def lines(start: int, end: int) -> Place:
        return Place.lines(bisect_right(starts, start), bisect_right(starts, end - 1))

    return lines

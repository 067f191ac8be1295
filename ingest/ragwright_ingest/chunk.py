"""Texts to chunks, with exact offsets."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ragwright_core.spec import Chunking
from ragwright_ingest.parse import Parsed


@dataclass(frozen=True)
class Chunk:
    """A part of a document: `text` is its characters [start, end); lines count from 1."""

    position: int
    text: str
    start: int
    end: int
    first_line: int
    last_line: int

    @property
    def hash(self) -> bytes:
        """SHA-256 of the text: equal chunks share their vectors."""
        return hashlib.sha256(self.text.encode()).digest()


def chunks(parsed: Parsed, settings: Chunking) -> list[Chunk]:
    splitter_class = MarkdownSplitter if parsed.format == "markdown" else TextSplitter
    splitter = splitter_class(settings.max_characters, overlap=settings.overlap_characters)
    starts = [0, *(newline.end() for newline in re.finditer("\n", parsed.text))]
    return [
        Chunk(
            position=position,
            text=text,
            start=start,
            end=start + len(text),
            first_line=bisect_right(starts, start),
            last_line=bisect_right(starts, start + len(text) - 1),
        )
        for position, (start, text) in enumerate(splitter.chunk_indices(parsed.text))
    ]

"""Texts to chunks, with exact offsets."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ragwright_core.embedding.tokens import CountTokens, token_counter
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.spec import MINILM, Chunking
from ragwright_ingest.parse import Parsed

# What a model that reads few tokens is given where the spec names no limit: MiniLM reads 256, and
# finds a part of a text the better the less stands around it.
MODEL_LIMITS = {MINILM: 200}


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


@dataclass(frozen=True)
class TokenLimit:
    """At most so many tokens a chunk, as `count` counts them."""

    tokens: int
    count: CountTokens


def token_limit(chunking: Chunking, embedding: EmbeddingDescriptor) -> TokenLimit | None:
    """The limit that the spec names or the model has."""
    tokens = chunking.max_tokens or MODEL_LIMITS.get(embedding.model)
    if tokens is None or embedding.provider != "embedded":
        return None
    return TokenLimit(tokens, token_counter(embedding.model))


def chunks(parsed: Parsed, settings: Chunking, limit: TokenLimit | None = None) -> list[Chunk]:
    """Both limits hold, and the overlap is at most what the settings say."""
    splitter = _splitter(parsed, settings, limit)
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


def _splitter(
    parsed: Parsed, settings: Chunking, limit: TokenLimit | None
) -> MarkdownSplitter | TextSplitter:
    made = MarkdownSplitter if parsed.format == "markdown" else TextSplitter
    longest, overlap = settings.max_characters, settings.overlap_characters
    if limit is None:
        return made(longest, overlap=overlap)

    capacity = min(limit.tokens, longest)

    # A splitter knows one measure, which must never exceed the characters: the larger share of the
    # two limits, in tokens. What is too long in characters is not counted: that takes its time.
    def size(text: str) -> int:
        share = -(-len(text) * capacity // longest)
        return share if share > capacity else max(share, limit.count(text))

    return made.from_callback(size, capacity, overlap=overlap * capacity // longest)

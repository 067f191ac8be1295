"""Cuts texts into chunks, with exact offsets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ragwright_core.embedding.tokens import CountTokens, token_counter
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.version.place import Place
from ragwright_core.spec import MINILM, Chunking
from ragwright_ingest.formats.base import Parsed
from ragwright_ingest.loading.pieces import pieces

# The limit if the spec names none, for models that read few tokens. MiniLM reads 256, and finds a
# passage better if there is less other text around it.
MODEL_LIMITS = {MINILM: 200}


@dataclass(frozen=True)
class Chunk:
    """A part of a document. `text` is the document's characters [start, end)."""

    position: int
    text: str
    start: int
    end: int
    place: Place

    @property
    def hash(self) -> bytes:
        """SHA-256 of the text: equal chunks share their vectors."""
        return hashlib.sha256(self.text.encode()).digest()


@dataclass(frozen=True)
class TokenLimit:
    """The most tokens in a chunk, and the function that counts them."""

    tokens: int
    count: CountTokens


def token_limit(chunking: Chunking, embedding: EmbeddingDescriptor) -> TokenLimit | None:
    """The limit that the spec names, or else the model's."""
    tokens = chunking.max_tokens or MODEL_LIMITS.get(embedding.model)
    if tokens is None or embedding.provider != "embedded":
        return None
    return TokenLimit(tokens, token_counter(embedding.model))


def chunks(parsed: Parsed, settings: Chunking, limit: TokenLimit | None = None) -> list[Chunk]:
    """Cut a document. Both limits hold, and the overlap is at most that of the settings."""
    splitter = _splitter(parsed, settings, limit)
    cut = (
        (start + offset, text)
        for start, end in pieces(parsed.text, settings.max_characters)
        for offset, text in splitter.chunk_indices(parsed.text[start:end])
    )
    return [
        Chunk(
            position=position,
            text=text,
            start=start,
            end=start + len(text),
            place=parsed.place(start, start + len(text)),
        )
        for position, (start, text) in enumerate(cut)
    ]


def _splitter(
    parsed: Parsed, settings: Chunking, limit: TokenLimit | None
) -> MarkdownSplitter | TextSplitter:
    made = parsed.format.splitter
    longest, overlap = settings.max_characters, settings.overlap_characters
    if limit is None:
        return made(longest, overlap=overlap)

    capacity = min(limit.tokens, longest)

    # A splitter knows only one measure, which must never exceed the characters: this is the larger
    # share of the two limits, in tokens. Tokens of a text with too many characters are not counted,
    # because counting is slow.
    def size(text: str) -> int:
        share = -(-len(text) * capacity // longest)
        return share if share > capacity else max(share, limit.count(text))

    return made.from_callback(size, capacity, overlap=overlap * capacity // longest)

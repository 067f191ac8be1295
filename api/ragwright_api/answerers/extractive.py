"""Quotes the best sentences with their sources; needs no network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragwright_api.answerers.base import NOTHING_FOUND, Answer
from ragwright_api.database import Found
from ragwright_core.embedding.static import StaticEmbedder

SENTENCES = 3
_SHORTEST, _LONGEST = 20, 600
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'`*(\[]*[A-Z0-9])|\n\s*\n|\n(?=\s*(?:[-*#]|\d+\.)\s)")


@dataclass(frozen=True)
class _Sentence:
    text: str
    found: Found


def sentences(text: str) -> list[str]:
    """A chunk's sentences; white space within them becomes one space."""
    parts = (" ".join(part.split()) for part in _END.split(text))
    return [part for part in parts if _SHORTEST <= len(part) <= _LONGEST]


class ExtractiveAnswerer:
    """Chooses by the cosine of sentence and question, both by the embedded model."""

    fingerprint = "extractive-1"

    def __init__(self) -> None:
        self._embedder = StaticEmbedder(dimensions=256, document_prefix="", query_prefix="")

    async def answer(self, question: str, found: Sequence[Found]) -> Answer:
        candidates = _distinct(
            _Sentence(text, chunk) for chunk in found for text in sentences(chunk.text)
        )
        if not candidates:
            return Answer(NOTHING_FOUND, ()) if not found else _whole(found[0])
        return await asyncio.to_thread(self._choose, question, candidates)

    def _choose(self, question: str, candidates: list[_Sentence]) -> Answer:
        vectors = self._embedder.embed([question, *(item.text for item in candidates)])
        scores = vectors[1:] @ vectors[0]
        best = scores.argsort()[::-1][:SENTENCES]
        chosen = [candidates[int(at)] for at in best]
        sources = tuple(dict.fromkeys(item.found.reference for item in chosen))
        cited = [f"{item.text} [{sources.index(item.found.reference) + 1}]" for item in chosen]
        return Answer("\n".join(cited), sources)


def _distinct(items: Iterable[_Sentence]) -> list[_Sentence]:
    seen: dict[str, _Sentence] = {}
    for item in items:
        seen.setdefault(item.text, item)
    return list(seen.values())


def _whole(found: Found) -> Answer:
    text = " ".join(found.text.split())[:_LONGEST]
    return Answer(f"{text} [1]", (found.reference,))

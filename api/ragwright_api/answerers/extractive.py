"""Quotes the best sentences with their sources; needs no language model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragwright_api.answerers.base import NOTHING_FOUND, Answer
from ragwright_api.cost import Cost
from ragwright_api.retrieval import Retrieved
from ragwright_api.search import Found

SENTENCES = 3
_SHORTEST, _LONGEST = 12, 600

# What stands between sentences: headings (Markdown's, reStructuredText's) and fences are no part
# of any. A full stop ends one unless a small letter follows, or an abbreviation came before.
_BETWEEN = re.compile(
    r"""^\#{1,6}[ ].*$
      | ^.+\n([=\-~^"'*+#])\1{2,}\s*$
      | ^\s*(?:```|~~~).*$
      | \n\s*\n
      | \n(?=\s*(?:[-*+]|\d+[.)])\s)
      | (?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\b[DM]r\.)\s+(?![\sa-z])
      | (?<=[\u3002\uff01\uff1f])
    """,
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class _Sentence:
    text: str
    found: Found


def sentences(text: str) -> list[str]:
    """A chunk's sentences, exactly as written there."""
    starts = [0, *(match.end() for match in _BETWEEN.finditer(text))]
    ends = [*(match.start() for match in _BETWEEN.finditer(text)), len(text)]
    parts = (text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return [part for part in parts if _SHORTEST <= len(part) <= _LONGEST]


class ExtractiveAnswerer:
    """Chooses by the cosine of sentence and question."""

    fingerprint = "extractive-2"

    async def answer(self, question: str, retrieved: Retrieved) -> Answer:  # noqa: ARG002
        if not retrieved.found:
            return Answer(NOTHING_FOUND, ())
        candidates = _distinct(
            _Sentence(text, chunk) for chunk in retrieved.found for text in sentences(chunk.text)
        )
        if not candidates:
            return _cited([_beginning(retrieved.found[0])])
        scores = await retrieved.similarities([item.text for item in candidates])
        best = scores.argsort(stable=True)[::-1][:SENTENCES]
        cost = Cost(embeddings=len(candidates))
        return replace(_cited([candidates[int(at)] for at in best]), cost=cost)

    async def close(self) -> None:
        pass


def _distinct(items: Iterable[_Sentence]) -> list[_Sentence]:
    """Overlapping chunks share sentences: the nearest chunk's stays."""
    seen: dict[str, _Sentence] = {}
    for item in items:
        seen.setdefault(item.text, item)
    return list(seen.values())


def _cited(chosen: Sequence[_Sentence]) -> Answer:
    sources = tuple(dict.fromkeys(item.found.reference for item in chosen))
    lines = [f"{item.text} [{sources.index(item.found.reference) + 1}]" for item in chosen]
    return Answer("\n".join(lines), sources)


def _beginning(found: Found) -> _Sentence:
    """For a chunk without a sentence, such as a table: as much as fits."""
    return _Sentence(found.text.strip()[:_LONGEST], found)

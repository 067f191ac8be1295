"""Quotes the best sentences with their sources; needs no language model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragwright_api.answering.answerers.base import NOTHING_FOUND, Answer, Spend
from ragwright_api.retrieval.embedders import Compare
from ragwright_api.telemetry.ledger import Cost
from ragwright_core.index.search.found import Found

SENTENCES = 3
_SHORTEST, _LONGEST = 12, 600

# The text between sentences. Headings (Markdown's, reStructuredText's) and fences belong to no
# sentence. A full stop ends a sentence unless a small letter follows or an abbreviation precedes.
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
    """The sentences of a chunk, exactly as they are written."""
    starts = [0, *(match.end() for match in _BETWEEN.finditer(text))]
    ends = [*(match.start() for match in _BETWEEN.finditer(text)), len(text)]
    parts = (text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return [part for part in parts if _SHORTEST <= len(part) <= _LONGEST]


class ExtractiveAnswerer:
    """Chooses by the cosine of sentence and question."""

    fingerprint = "extractive-2"

    async def answer(
        self,
        question: str,  # noqa: ARG002
        found: Sequence[Found],
        compare: Compare,
        spend: Spend,
    ) -> Answer:
        if not found:
            return Answer(NOTHING_FOUND, ())
        candidates = _distinct(
            _Sentence(text, chunk) for chunk in found for text in sentences(chunk.text)
        )
        if not candidates:
            return _cited([_beginning(found[0])])
        cost = Cost(embeddings=len(candidates))
        spend(cost)
        scores = await compare([item.text for item in candidates])
        best = scores.argsort(stable=True)[::-1][:SENTENCES]
        return replace(_cited([candidates[int(at)] for at in best]), cost=cost)

    async def close(self) -> None:
        pass


def _distinct(items: Iterable[_Sentence]) -> list[_Sentence]:
    """Overlapping chunks share sentences: each is kept once, from the nearest chunk."""
    seen: dict[str, _Sentence] = {}
    for item in items:
        seen.setdefault(item.text, item)
    return list(seen.values())


def _cited(chosen: Sequence[_Sentence]) -> Answer:
    sources = tuple(dict.fromkeys(item.found.reference for item in chosen))
    lines = [f"{item.text} [{sources.index(item.found.reference) + 1}]" for item in chosen]
    return Answer("\n".join(lines), sources)


def _beginning(found: Found) -> _Sentence:
    """The beginning of a chunk without sentences, such as a table."""
    return _Sentence(found.text.strip()[:_LONGEST], found)

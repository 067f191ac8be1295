"""What a language model is asked: documents as data, then the question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragwright_core.index.search.found import Found

# Some 30,000 tokens of English: what retrieval may find at most is three times that.
LONGEST_DOCUMENTS = 120_000
# What looks like our tags, in ASCII or in wider forms of the sign.
_TAG = re.compile(r"[<\uff1c\ufe64\u2039\u3008](?=\s*/?\s*document)", re.IGNORECASE)


def fitting(found: Sequence[Found]) -> Sequence[Found]:
    """The best chunks, as far as they fit into a prompt together; the first one at least."""
    left = LONGEST_DOCUMENTS
    for count, chunk in enumerate(found):
        left -= len(chunk.text)
        if left < 0:
            return found[: max(1, count)]
    return found


def references(found: Sequence[Found]) -> tuple[str, ...]:
    """The sources that [1], [2] stand for; chunks of one page share theirs."""
    return tuple(dict.fromkeys(chunk.reference for chunk in found))


def prompt(question: str, found: Sequence[Found]) -> str:
    """Documents as data: what looks like our delimiter inside one is disarmed."""
    sources = references(found)
    documents = "\n".join(
        f'<document number="{sources.index(chunk.reference) + 1}" '
        f'source="{_disarm(chunk.reference).replace(chr(34), "&quot;")}">\n'
        f"{_disarm(chunk.text)}\n</document>"
        for chunk in found
    )
    return f"{documents}\n\nQuestion: {question}"


def _disarm(text: str) -> str:
    return _TAG.sub("&lt;", text)

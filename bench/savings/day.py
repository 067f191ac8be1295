"""A day's questions: 1,000 distinct ones asked 10,000 times, some far more often than others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dev.demo.documents import Document

DISTINCT = 1_000
ASKED = 10_000
# A day's length here; times to live are shortened alike.
DAY_SECONDS = 240.0
SCALE = DAY_SECONDS / 86_400
# Of a hundred documents, those that the day's one reindex finds changed.
CHANGED = DISTINCT // 100


@dataclass(frozen=True)
class Asked:
    """A question and when it is asked, in seconds from the day's begin."""

    at: float
    question: str


def zipf_day(exponent: float, seed: int = 1) -> list[Asked]:
    """The question of rank r is asked with a weight of 1/r^exponent, at any time alike."""
    random = np.random.default_rng(seed)
    weights = np.arange(1, DISTINCT + 1, dtype=float) ** -exponent
    topics = random.permutation(DISTINCT)
    ranks = random.choice(DISTINCT, size=ASKED, p=weights / weights.sum())
    times = np.sort(random.uniform(0, DAY_SECONDS, ASKED))
    return [
        Asked(float(at), f"Within how many days is parcel {topics[rank]} refunded?")
        for at, rank in zip(times, ranks, strict=True)
    ]


def documents() -> list[Document]:
    """One for each question, of one chunk each."""
    return [
        Document(
            f"parcel-{number}.md",
            f"# Parcel {number}\n\nParcel {number} is refunded within {number % 90 + 2} days. "
            f"Its box is kept on shelf {number % 37} until then.\n",
        )
        for number in range(DISTINCT)
    ]

"""The chunks and questions that every store is given. Knows numpy alone: the peers' own virtual
environments import it too."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CHUNKS = 20_000
DIMENSIONS = 384
QUESTIONS = 600
TOP_K = 10
# One chunk in 200 has it: 0.5 %.
RARE = 7

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Data:
    """The same in each process: 200 topics, chunks around them, questions near chunks."""

    seed: int = 1

    @cached_property
    def vectors(self) -> Vectors:
        draw = np.random.default_rng(self.seed)
        topics = draw.standard_normal((200, DIMENSIONS), np.float32)
        of = draw.integers(len(topics), size=CHUNKS)
        return _unit(topics[of] + draw.standard_normal((CHUNKS, DIMENSIONS), np.float32))

    @cached_property
    def questions(self) -> Vectors:
        """Vectors of questions, each of them near a chunk."""
        draw = np.random.default_rng(self.seed + 1)
        near = self.vectors[draw.integers(CHUNKS, size=QUESTIONS)]
        return _unit(near + 0.04 * draw.standard_normal(near.shape, np.float32))

    @cached_property
    def texts(self) -> list[str]:
        """Some 720 characters each, as little alike as prose is."""
        draw = random.Random(self.seed)
        letters = "etaoinshrdlucmfwypvbgk"
        words = ["".join(draw.choices(letters, k=draw.randrange(2, 10))) for _ in range(5000)]
        return [" ".join(draw.choices(words, k=112)) for _ in range(CHUNKS)]

    @cached_property
    def words(self) -> list[str]:
        """Of each question: as many as people write, all of them from the chunk it is near."""
        draw = random.Random(self.seed + 1)
        near = np.random.default_rng(self.seed + 1).integers(CHUNKS, size=QUESTIONS)
        return [" ".join(draw.sample(self.texts[n].split(), 8)) for n in near]

    @cached_property
    def metadata(self) -> list[dict[str, int | str]]:
        return [{"rare": n % 200, "path": f"docs/{n // 10}.md"} for n in range(CHUNKS)]

    def nearest(self, number: int, *, filtered: bool) -> set[int]:
        """The chunks that are truly nearest to a question."""
        similarity = self.vectors @ self.questions[number]
        if filtered:
            similarity[np.arange(CHUNKS) % 200 != RARE] = -2
        return {int(at) for at in np.argpartition(-similarity, TOP_K)[:TOP_K]}


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit

"""What crosses from our Python to the peers': a folder with texts, vectors, and where Postgres is.

Imported by both, so it needs nothing but numpy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
CUTS = (5, 10)
# By peer and by cut: for each question the numbers of the chunks, best first.
Ranked = dict[str, dict[int, list[list[int]]]]


@dataclass(frozen=True)
class Material:
    """Chunks by number and questions by number, each with its unit vector."""

    chunks: Sequence[str]
    chunk_vectors: Vectors
    questions: Sequence[str]
    question_vectors: Vectors

    def write(self, folder: Path) -> None:
        texts = {"chunks": list(self.chunks), "questions": list(self.questions)}
        (folder / "texts.json").write_text(json.dumps(texts))
        np.save(folder / "chunks.npy", self.chunk_vectors)
        np.save(folder / "questions.npy", self.question_vectors)


def read_material(folder: Path) -> Material:
    texts = json.loads((folder / "texts.json").read_text())
    return Material(
        chunks=texts["chunks"],
        chunk_vectors=np.load(folder / "chunks.npy"),
        questions=texts["questions"],
        question_vectors=np.load(folder / "questions.npy"),
    )


def write_ranked(ranked: Ranked, folder: Path) -> None:
    (folder / "ranked.json").write_text(json.dumps(ranked))


def read_ranked(folder: Path) -> Ranked:
    found = json.loads((folder / "ranked.json").read_text())
    return {peer: {int(cut): rows for cut, rows in cuts.items()} for peer, cuts in found.items()}

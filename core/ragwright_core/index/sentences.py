"""Three fixed sentences whose vectors show whether an endpoint still has the same model.

A name is no proof: an endpoint may change its model under the same name. The vectors from the build
are stored with the version; the same sentences, embedded again, must give the same vectors. Their
fingerprint is the model's identity, which is part of every key and comparison of vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragwright_core.contract import SAME_MODEL_COSINE
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.model import fingerprint

# Never change them: the stored vectors are those of these texts.
SENTENCES = (
    "Refunds are paid within thirty days of the return.",
    "To restart the service, drain the node first and wait until every connection has closed.",
    "Der Zug nach Hamburg hat heute zwölf Minuten Verspätung.",
)


def lowest_cosine(stored: ArrayLike, now: NDArray[np.float32]) -> float:
    """The lowest cosine of unit vectors, shape (sentences, dimensions); 0 if the dimensions
    differ."""
    before = np.asarray(stored, np.float32)
    if before.shape != now.shape:
        return 0.0
    return float(np.min(np.sum(before * now, axis=1)))


def is_same_model(stored: ArrayLike, now: NDArray[np.float32]) -> bool:
    return lowest_cosine(stored, now) >= SAME_MODEL_COSINE


@dataclass(frozen=True)
class Identified:
    """A model with its identity, and the sentences' vectors from which the identity was made."""

    embedding: EmbeddingDescriptor
    sentences: list[list[float]]


def identified(
    embedding: EmbeddingDescriptor, now: NDArray[np.float32], known: Iterable[Identified]
) -> Identified:
    """The model that embeds the sentences like `now`: the first of `known` with the same name and
    alike vectors, else a new model. A known model keeps the vectors that were stored first, so that
    no drift creeps in from build to build."""
    for model in known:
        if model.embedding.named == embedding.named and is_same_model(model.sentences, now):
            identity, sentences = model.embedding.identity, model.sentences
            break
    else:
        sentences = now.tolist()
        identity = fingerprint(sentences)
    return Identified(embedding.model_copy(update={"identity": identity}), sentences)

"""Which versions' vectors a build may take over: those of the very same model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragwright_core.embedding import Embedder
from ragwright_core.index.sentences import SENTENCES, is_same_model
from ragwright_core.index.versions import (
    Version,
    keep_sentences,
    numbers_in,
    read_sentences,
    read_version,
)
from ragwright_ingest.database import Connection

MODEL_CHANGED = (
    "the embedding endpoint has another model under the same name than before: nothing was reused, "
    "every text was embedded anew"
)


@dataclass(frozen=True)
class Reuse:
    """Numbers of versions to take vectors from, newest first; and whether the endpoint's model
    changed since the newest, so that cached vectors mean nothing either."""

    versions: tuple[int, ...]
    model_changed: bool


async def reusable(connection: Connection, version: Version, embedder: Embedder) -> Reuse:
    """Compares the fixed sentences, and keeps those of this version. Raises Embedding*Error."""
    now = await embedder.embed_documents(SENTENCES)
    keep_sentences(connection, version.number, now.tolist())
    wanted = version.descriptor.embedding.fingerprint
    named_alike = [
        number
        for number in numbers_in(connection, "live", "kept")
        if read_version(connection, number).descriptor.embedding.fingerprint == wanted
    ]
    same = [number for number in named_alike if _is_same(connection, number, now)]
    return Reuse(tuple(same), model_changed=named_alike[:1] != same[:1])


def _is_same(connection: Connection, number: int, now: NDArray[np.float32]) -> bool:
    before = read_sentences(connection, number)
    return before is None or is_same_model(before, now)

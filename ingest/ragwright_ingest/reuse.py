"""Which versions' vectors a build may take over: those of the very same model."""

from __future__ import annotations

from dataclasses import dataclass

from ragwright_core.embedding import Embedder
from ragwright_core.embedding.base import Vectors
from ragwright_core.index.sentences import SENTENCES, is_same_model
from ragwright_core.index.versions import (
    Version,
    keep_sentences,
    numbers_in,
    read_sentences,
    read_version,
)
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest.database import Connection

MODEL_CHANGED = (
    "the embedding endpoint has another model under the same name than before: nothing was reused, "
    "every text was embedded anew"
)


@dataclass(frozen=True)
class Reuse:
    """Numbers of versions to take vectors from, newest first; whether the endpoint's model changed
    since the newest; and its vectors of the fixed sentences, shape (3, dimensions)."""

    versions: tuple[int, ...]
    model_changed: bool
    sentences: Vectors


async def reusable(connection: Connection, version: Version, embedder: Embedder) -> Reuse:
    """Compares the fixed sentences, and keeps those of this version. Raises Embedding*Error, and
    ProblemError(EMBEDDING_CHANGED) when another worker began with another model."""
    now = await require_same_model(connection, version, embedder)
    wanted = version.descriptor.embedding.fingerprint
    named_alike = [
        number
        for number in numbers_in(connection, "live", "kept")
        if read_version(connection, number).descriptor.embedding.fingerprint == wanted
    ]
    same = [number for number in named_alike if _is_same(connection, number, now)]
    return Reuse(tuple(same), named_alike[:1] != same[:1], now)


async def require_same_model(
    connection: Connection, version: Version, embedder: Embedder
) -> Vectors:
    """The fixed sentences' vectors, which must be those that the version began with: asked before
    its first vector and after its last. Raises as `reusable`."""
    now = await embedder.embed_documents(SENTENCES)
    keep_sentences(connection, version.number, now.tolist())
    if not _is_same(connection, version.number, now):
        raise ProblemError(
            Reason.EMBEDDING_CHANGED,
            f"{version.descriptor.embedding.base_url} changed its model while version "
            f"{version.number} was built; it is built anew",
        )
    return now


def _is_same(connection: Connection, number: int, now: Vectors) -> bool:
    before = read_sentences(connection, number)
    return before is None or is_same_model(before, now)

"""Finds the versions whose vectors a build may take over: those of exactly the same model."""

from __future__ import annotations

from dataclasses import dataclass

from ragwright_core.embedding import Embedder, EmbeddingChangedError
from ragwright_core.index.sentences import SENTENCES, is_same_model
from ragwright_core.index.version.states import REUSABLE
from ragwright_core.index.versions import Version, numbers_in, read_version
from ragwright_ingest.database import Connection

MODEL_CHANGED = (
    "the embedding endpoint has another model under the same name than before: nothing was reused, "
    "every text was embedded anew"
)


@dataclass(frozen=True)
class Reuse:
    """Numbers of versions to take vectors from, newest first, and whether the model has changed
    under the same name since the newest version."""

    versions: tuple[int, ...]
    model_changed: bool


def reusable(connection: Connection, version: Version) -> Reuse:
    ours = version.descriptor.embedding
    theirs = {
        number: read_version(connection, number).descriptor.embedding
        for number in numbers_in(connection, *REUSABLE)
    }
    same = [number for number, model in theirs.items() if model.fingerprint == ours.fingerprint]
    before = [model.identity for model in theirs.values() if model.named == ours.named][:1]
    return Reuse(tuple(same), model_changed=before not in ([], [""], [ours.identity]))


async def require_same_model(embedder: Embedder, sentences: list[list[float]]) -> None:
    """Check the model after a load's last vector: the version that goes live should be of the model
    that embeds questions. Raises EmbeddingChangedError."""
    if not is_same_model(sentences, await embedder.embed_documents(SENTENCES)):
        raise EmbeddingChangedError

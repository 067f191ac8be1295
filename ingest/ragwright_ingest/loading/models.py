"""The model that embeds a build's documents."""

from __future__ import annotations

import asyncio

from ragwright_core.embedding.base import Vectors
from ragwright_core.embedding.make import make_embedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import SENTENCES
from ragwright_ingest.settings import read_secret
from ragwright_ingest.surroundings import Folders, Surroundings


def await_key(embedding: EmbeddingDescriptor, folders: Folders) -> None:
    """Wait for the endpoint's key. Raises ProblemError(SECRET_MISSING) if it does not appear."""
    if key := embedding.secret_ref:
        read_secret(
            folders.secrets / key.name / key.key,
            f"Secret {key.name} has no key {key.key}, or does not exist: create it, or correct "
            "embedding.secretKeyRef",
            patience=folders.patience,
        )


def ask_model(embedding: EmbeddingDescriptor, around: Surroundings) -> Vectors:
    """Vectors of the fixed sentences by the present model. Raises Embedding*Error."""
    embedder = make_embedder(embedding, around.folders.secrets, network=around.network)
    with asyncio.Runner() as runner:
        try:
            return runner.run(embedder.embed_documents(SENTENCES))
        finally:
            runner.run(embedder.close())

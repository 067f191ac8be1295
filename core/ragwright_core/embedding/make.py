"""The embedder that a descriptor asks for."""

from __future__ import annotations

from pathlib import Path

from ragwright_core.embedding.base import Embedder
from ragwright_core.embedding.openai import OpenAIEmbedder
from ragwright_core.embedding.static import StaticEmbedder
from ragwright_core.index.descriptor import EmbeddingDescriptor


def make_embedder(descriptor: EmbeddingDescriptor, secrets: Path) -> Embedder:
    """`secrets` is the folder in which Secrets are mounted by name."""
    if descriptor.provider == "openai":
        key = descriptor.secret_ref
        return OpenAIEmbedder(descriptor, secrets / key.name / key.key if key else None)
    return StaticEmbedder(
        descriptor.dimensions, descriptor.document_prefix, descriptor.query_prefix
    )

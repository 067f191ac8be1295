"""The embedder that a descriptor asks for."""

from __future__ import annotations

from pathlib import Path

from ragwright_core.embedding.base import Embedder
from ragwright_core.embedding.static import StaticEmbedder
from ragwright_core.index.descriptor import EmbeddingDescriptor


def make_embedder(
    descriptor: EmbeddingDescriptor, secrets: Path, *, deadline: float = 90.0
) -> Embedder:
    """`secrets` is the folder in which Secrets are mounted by name; an endpoint that fails is
    asked again for `deadline` seconds."""
    if descriptor.provider == "openai":
        # A second of imports, and memory, that a pipeline without an endpoint need not pay for.
        from ragwright_core.embedding.openai import OpenAIEmbedder  # noqa: PLC0415

        key = descriptor.secret_ref
        file = secrets / key.name / key.key if key else None
        return OpenAIEmbedder(descriptor, file, deadline=deadline)
    return StaticEmbedder(
        descriptor.dimensions, descriptor.document_prefix, descriptor.query_prefix
    )

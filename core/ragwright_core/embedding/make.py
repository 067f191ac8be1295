"""The embedder that a descriptor asks for."""

from __future__ import annotations

from pathlib import Path

from ragwright_core.embedding.base import Embedder
from ragwright_core.embedding.static import StaticEmbedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.spec import MINILM


def make_embedder(
    descriptor: EmbeddingDescriptor, secrets: Path, *, deadline: float = 90.0
) -> Embedder:
    """`secrets` is the folder in which Secrets are mounted by name; an endpoint that fails is
    asked again for `deadline` seconds."""
    prefixes = descriptor.document_prefix, descriptor.query_prefix
    # Imports of a second, and memory, that a pipeline which needs neither need not pay for.
    if descriptor.provider == "openai":
        from ragwright_core.embedding.openai import OpenAIEmbedder  # noqa: PLC0415

        key = descriptor.secret_ref
        file = secrets / key.name / key.key if key else None
        return OpenAIEmbedder(descriptor, file, deadline=deadline)
    if descriptor.model == MINILM:
        from ragwright_core.embedding.minilm import MiniLmEmbedder  # noqa: PLC0415

        return MiniLmEmbedder(*prefixes)
    return StaticEmbedder(descriptor.dimensions, *prefixes)

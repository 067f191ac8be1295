"""The descriptor that travels with an index version: how it was made and how to ask it."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from ragwright_core.model import Model, fingerprint
from ragwright_core.spec import MINILM, WORDLLAMA, Embedding, SecretKey

_DIMENSIONS = {WORDLLAMA: 256, MINILM: 384}


class EmbeddingDescriptor(Model):
    """The model behind a version's vectors. Questions are embedded with exactly this.

    Unknown fields are left alone: a newer release may have written them.
    """

    model_config = ConfigDict(extra="ignore")

    provider: Literal["embedded", "openai"]
    model: str
    dimensions: int
    base_url: str | None = None
    secret_ref: SecretKey | None = None
    document_prefix: str = ""
    query_prefix: str = ""

    @property
    def fingerprint(self) -> str:
        """Same fingerprint, same vectors: credentials do not count, everything else does."""
        return fingerprint(self.model_dump(exclude={"secret_ref"}))

    @property
    def is_dear(self) -> bool:
        """Whether asking Redis for a vector is cheaper than computing it: not so for the static
        model."""
        return self.provider != "embedded" or self.model != WORDLLAMA


class Descriptor(Model):
    """Stored as JSON in the version's row. `revisions` holds each source's, by its name;
    `chunking` is a fingerprint, empty in rows of the first releases, and so is `language` (those
    versions have no text search)."""

    model_config = ConfigDict(extra="ignore")

    shape: str
    chunking: str = ""
    language: str = ""
    revisions: dict[str, str]
    embedding: EmbeddingDescriptor

    @property
    def source_revision(self) -> str:
        """All revisions in one line, for people."""
        return ", ".join(f"{name} {self.revisions[name]}" for name in sorted(self.revisions))


def embedding_descriptor(embedding: Embedding) -> EmbeddingDescriptor:
    return EmbeddingDescriptor(
        provider=embedding.provider,
        model=embedding.model,
        dimensions=embedding.dimensions or _DIMENSIONS[embedding.model],
        base_url=embedding.base_url,
        secret_ref=embedding.secret_ref,
        document_prefix=embedding.document_prefix,
        query_prefix=embedding.query_prefix,
    )

"""The descriptor of an index version: how the version was made, and how to search it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ragwright_core.model import Wire, fingerprint
from ragwright_core.spec import MINILM, WORDLLAMA, Embedding, SecretKey

_DIMENSIONS = {WORDLLAMA: 256, MINILM: 384}


class EmbeddingDescriptor(Wire):
    """The model that made a version's vectors. Questions are embedded with exactly this model.

    `identity` is a fingerprint of the model's vectors for the fixed sentences (`sentences.py`),
    because an endpoint may change its model under one name. It is empty in a descriptor that is
    made from a spec, and in rows that the first releases wrote.
    """

    provider: Literal["embedded", "openai"]
    model: str
    dimensions: int
    base_url: str | None = None
    secret_ref: SecretKey | None = None
    document_prefix: str = ""
    query_prefix: str = ""
    identity: str = ""

    @property
    def named(self) -> str:
        """Fingerprint of the model as a spec names it, without credentials."""
        return fingerprint(self._said())

    @property
    def fingerprint(self) -> str:
        """Models with the same fingerprint make the same vectors."""
        return fingerprint({**self._said(), "identity": self.identity})

    def _said(self) -> dict[str, str | int | None]:
        # The fields are listed, so that a field added later does not change stored fingerprints.
        return {
            "provider": self.provider,
            "model": self.model,
            "dimensions": self.dimensions,
            "baseUrl": self.base_url,
            "documentPrefix": self.document_prefix,
            "queryPrefix": self.query_prefix,
        }

    @property
    def is_worth_caching(self) -> bool:
        """Whether asking Redis for a vector is cheaper than computing it, which is true for every
        model but the static one."""
        return self.provider != "embedded" or self.model != WORDLLAMA


class Descriptor(Wire):
    """Stored as JSON in the version's row. `layout` is the number of its tables' layout
    (`version/columns.py`), 1 in rows that do not name it. `revisions` maps a source's name to its
    revision, and `left_out` says which files of a source its globs did not take. `chunking` is a
    fingerprint; it and `language` are empty in rows that the first releases wrote."""

    layout: int = 1
    shape: str
    chunking: str = ""
    language: str = ""
    revisions: dict[str, str]
    left_out: dict[str, str] = Field(default={})
    embedding: EmbeddingDescriptor

    @property
    def has_text_search(self) -> bool:
        """Whether the version can be searched by words. Those of the first releases cannot."""
        return self.language != ""

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
        secret_ref=embedding.secret_key_ref,
        document_prefix=embedding.document_prefix,
        query_prefix=embedding.query_prefix,
    )

"""Texts to vectors: the embedded static model, or any OpenAI-compatible endpoint."""

from __future__ import annotations

from ragwright_core.embedding.base import (
    Embedder,
    EmbeddingChangedError,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
    TextRefusedError,
)

__all__ = [
    "Embedder",
    "EmbeddingChangedError",
    "EmbeddingRejectedError",
    "EmbeddingUnavailableError",
    "SecretMissingError",
    "TextRefusedError",
]

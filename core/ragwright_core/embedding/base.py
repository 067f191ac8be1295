"""What an embedder is, and how it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class _EndpointFailedError(Exception):
    """The message is for the pipeline's author. `words` are a clause for whoever asked a question:
    they name no address."""

    def __init__(self, message: str, words: str = "failed") -> None:
        super().__init__(message, words)
        self.words = words

    def __str__(self) -> str:
        return str(self.args[0])


class EmbeddingUnavailableError(_EndpointFailedError):
    """The endpoint did not answer in time; trying again later may help."""


class SecretMissingError(EmbeddingUnavailableError):
    """The endpoint's API key is not mounted (yet)."""


class EmbeddingRejectedError(_EndpointFailedError):
    """The endpoint refused the request; the same request will fail again."""


class TextRefusedError(EmbeddingRejectedError):
    """The endpoint refused one text because of its content or length; it may embed others."""


class EmbeddingChangedError(Exception):
    """The endpoint answered with another model than the one that was asked for."""


class Embedder(Protocol):
    """Turns texts into unit vectors, float32 of shape (len(texts), dimensions).

    The embedder puts the prefix before each text, so that callers pass plain text. Methods raise
    EmbeddingUnavailableError or EmbeddingRejectedError.
    """

    dimensions: int

    async def embed_documents(self, texts: Sequence[str]) -> Vectors: ...

    async def embed_queries(self, texts: Sequence[str]) -> Vectors: ...

    async def close(self) -> None:
        """Close the connections."""
        ...

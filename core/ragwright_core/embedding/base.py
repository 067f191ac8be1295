"""What an embedder is, and how it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class EmbeddingUnavailableError(Exception):
    """The endpoint did not answer in time; trying again later may help."""


class SecretMissingError(EmbeddingUnavailableError):
    """The endpoint's API key is not mounted (yet)."""


class EmbeddingRejectedError(Exception):
    """The endpoint refused the request; the same request will fail again."""


class TextRefusedError(EmbeddingRejectedError):
    """It refused one text, by what the text is or says; others it may embed."""


class Embedder(Protocol):
    """Turns texts into unit vectors, float32 of shape (len(texts), dimensions).

    Prefixes are put before each text here, so that callers pass plain text. Methods raise
    EmbeddingUnavailableError or EmbeddingRejectedError.
    """

    dimensions: int

    async def embed_documents(self, texts: Sequence[str]) -> Vectors: ...

    async def embed_queries(self, texts: Sequence[str]) -> Vectors: ...

    async def close(self) -> None:
        """Give connections back."""
        ...

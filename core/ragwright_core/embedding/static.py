"""The embedded model that needs no network: wordllama's static token vectors, from its wheel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from ragwright_core.embedding.base import Vectors
from ragwright_core.embedding.pinned import pinned, wheel_folder

# wordllama 0.4.0.post1 (MIT): 32,000 tokens x 256 dimensions, float16, trained Matryoshka-style,
# so that the first 64 or 128 dimensions can be used alone.
PACKAGE = "wordllama"
WEIGHTS = "weights/l2_supercat_256.safetensors"
WEIGHTS_SHA256 = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
TOKENIZER_SHA256 = "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"


@cache
def tokenizer() -> Tokenizer:
    """The tokenizer, read and checked once per process."""
    file = pinned(wheel_folder(PACKAGE) / TOKENIZER, TOKENIZER_SHA256)
    found = Tokenizer.from_file(str(file))
    found.no_padding()
    found.no_truncation()
    return found


@cache
def _table() -> NDArray[np.float16]:
    """The tokens' vectors, read and checked once per process (about 0.2 s)."""
    weights = load_file(pinned(wheel_folder(PACKAGE) / WEIGHTS, WEIGHTS_SHA256))
    return next(iter(weights.values()))


class StaticEmbedder:
    """Mean of the tokens' vectors, cut to `dimensions` (64, 128 or 256) and normalised."""

    def __init__(self, dimensions: int, document_prefix: str, query_prefix: str) -> None:
        self.dimensions = dimensions
        self._document_prefix = document_prefix
        self._query_prefix = query_prefix

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self.embed, [self._document_prefix + text for text in texts])

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        # A text takes microseconds: a thread would cost more than the work.
        return self.embed([self._query_prefix + text for text in texts])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts as they are, without a prefix; blocks."""
        table = _table()
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, encoded in enumerate(
            tokenizer().encode_batch(list(texts), add_special_tokens=False)
        ):
            if encoded.ids:
                vectors[row] = table[encoded.ids, : self.dimensions].mean(axis=0, dtype=np.float32)
            else:
                vectors[row, 0] = 1.0  # a zero vector has no cosine
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    async def close(self) -> None:
        pass

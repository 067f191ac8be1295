"""Question to chunks, with the model and on the tables of one version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragwright_api.cache import Budget, Cache
from ragwright_api.database import Database, Found
from ragwright_api.lease import LiveVersion
from ragwright_core import cachekeys
from ragwright_core.embedding import Embedder
from ragwright_core.embedding.base import Vectors
from ragwright_core.index.descriptor import EmbeddingDescriptor

Make = Callable[[EmbeddingDescriptor], Embedder]


class Retrieval:
    """`make` builds an embedder for a descriptor; each is kept for the life of the process."""

    def __init__(
        self, database: Database, cache: Cache, make: Make, *, schema: str, embedding_ttl: int
    ) -> None:
        self._database = database
        self._cache = cache
        self._make = make
        self._schema = schema
        self._ttl = embedding_ttl
        self._embedders: dict[str, Embedder] = {}

    async def retrieve(
        self,
        version: LiveVersion,
        question: str,
        filters: dict[str, Any],
        limit: int,
        budget: Budget,
    ) -> list[Found]:
        """Raises UNAVAILABLE, UndefinedTable, or an embedding error."""
        vector = await self._vector(version.descriptor.embedding, question, budget)
        return await self._database.search(version, vector, limit, filters)

    async def warm(self, descriptor: EmbeddingDescriptor) -> None:
        """Load the model, so that no question waits for it."""
        await asyncio.to_thread(self._embedder, descriptor)
        if descriptor.provider == "embedded":
            await self._embedder(descriptor).embed_documents(["warm"])

    def _embedder(self, descriptor: EmbeddingDescriptor) -> Embedder:
        key = descriptor.model_dump_json()  # credentials included: they may be renamed
        if key not in self._embedders:
            self._embedders[key] = self._make(descriptor)
        return self._embedders[key]

    async def _vector(
        self, descriptor: EmbeddingDescriptor, question: str, budget: Budget
    ) -> NDArray[np.float32]:
        embedder = self._embedder(descriptor)
        if descriptor.provider == "embedded":
            # Cheaper to compute than to ask Redis for.
            return _first(await embedder.embed_queries([question]))
        key = cachekeys.embedding_key(
            self._schema, descriptor.fingerprint, descriptor.query_prefix + question
        )
        if (cached := await self._cache.get(key, budget)) is not None:
            return np.frombuffer(cached, np.float32)
        vector = _first(await embedder.embed_queries([question]))
        await self._cache.put(key, vector.tobytes(), self._ttl, budget)
        return vector


def _first(vectors: Vectors) -> NDArray[np.float32]:
    row: NDArray[np.float32] = vectors[0]
    return row

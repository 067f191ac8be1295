"""Question to chunks, with the model and on the tables of one version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragwright_api.cache import Budget, Cache
from ragwright_api.database import Database, Found
from ragwright_api.errors import QuestionEmbeddingError
from ragwright_api.lease import LiveVersion
from ragwright_api.singleflight import SingleFlight
from ragwright_core import cachekeys
from ragwright_core.embedding import (
    Embedder,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.fusion import Weights, fuse

EMBEDDING_SECONDS = 15.0
Vector = NDArray[np.float32]
Make = Callable[[EmbeddingDescriptor], Embedder]


@asynccontextmanager
async def _embedding() -> AsyncIterator[None]:
    """Bounds the time for an embedder, and puts its failures into a reply's words."""
    try:
        async with asyncio.timeout(EMBEDDING_SECONDS):
            yield
    except TimeoutError:
        raise QuestionEmbeddingError(
            f"the question was not embedded within {EMBEDDING_SECONDS:g} s; ask again"
        ) from None
    except (EmbeddingUnavailableError, EmbeddingRejectedError) as error:
        raise QuestionEmbeddingError(str(error)) from None


@dataclass(frozen=True)
class Retrieved:
    """What an answer is made from: chunks, best first, and the means to compare texts."""

    found: Sequence[Found]
    vector: Vector
    embedder: Embedder

    async def similarities(self, texts: Sequence[str]) -> Vector:
        """Cosine of each text and the question, by the version's own model."""
        async with _embedding():
            vectors = await self.embedder.embed_documents(texts)
        similarities: Vector = vectors @ self.vector
        return similarities


class Retrieval:
    """`make` loads an embedder for a descriptor; each is kept for the life of the process."""

    def __init__(  # noqa: PLR0913 - what it asks, and how
        self,
        database: Database,
        cache: Cache,
        make: Make,
        *,
        schema: str,
        embedding_ttl: int,
        weights: Weights,
    ) -> None:
        self._database = database
        self._cache = cache
        self._make = make
        self._schema = schema
        self._ttl = embedding_ttl
        self._weights = weights
        self._embedders: dict[str, Embedder] = {}
        self._loading: SingleFlight[Embedder] = SingleFlight()

    async def retrieve(
        self,
        version: LiveVersion,
        question: str,
        filters: dict[str, Any],
        limit: int,
        budget: Budget,
    ) -> Retrieved:
        """Raises DatabaseUnavailableError, QuestionEmbeddingError, or UndefinedTable."""
        descriptor = version.descriptor.embedding
        embedder = await self.embedder(descriptor)
        vector = await self._vector(embedder, descriptor, question, budget)
        found = await self._search(version, vector, question, limit, filters)
        return Retrieved(found, vector, embedder)

    async def _search(
        self,
        version: LiveVersion,
        vector: Vector,
        question: str,
        limit: int,
        filters: dict[str, Any],
    ) -> list[Found]:
        """By meaning and by words; by meaning alone where words count nothing, or where the version
        has no text search because an older release built it."""
        if not (self._weights.lexical and version.descriptor.language):
            return await self._database.search(version, vector, limit, filters)
        found = await self._database.search_both(version, vector, question, limit, filters)
        order = fuse(
            [item.score for item in found], [item.lexical for item in found], self._weights
        )
        return [found[at] for at in order[:limit]]

    async def embedder(self, descriptor: EmbeddingDescriptor) -> Embedder:
        """The descriptor's embedder with its model in memory."""
        key = descriptor.model_dump_json()  # credentials included: they may be renamed

        async def load() -> Embedder:
            # Reading a model takes 0.2 s, in which other questions go on.
            self._embedders[key] = await asyncio.to_thread(self._make, descriptor)
            return self._embedders[key]

        return self._embedders.get(key) or await self._loading.run(key, load)

    async def close(self) -> None:
        for embedder in self._embedders.values():
            await embedder.close()

    async def _vector(
        self, embedder: Embedder, descriptor: EmbeddingDescriptor, question: str, budget: Budget
    ) -> Vector:
        if not descriptor.is_dear:
            return await _embed(embedder, question)
        key = cachekeys.embedding_key(
            self._schema, descriptor.fingerprint, descriptor.query_prefix + question
        )
        cached = await self._cache.get(key, budget)
        if cached is not None and len(cached) == 4 * descriptor.dimensions:
            return np.frombuffer(cached, np.float32)
        vector = await _embed(embedder, question)
        await self._cache.put(key, vector.tobytes(), self._ttl, budget)
        return vector


async def _embed(embedder: Embedder, question: str) -> Vector:
    async with _embedding():
        vector: Vector = (await embedder.embed_queries([question]))[0]
    return vector

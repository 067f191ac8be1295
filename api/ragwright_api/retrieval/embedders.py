"""Embedders of the versions that are searched, each with its model in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from ragwright_api.tasks.singleflight import SingleFlight
from ragwright_api.unanswered import QuestionEmbeddingError
from ragwright_core.embedding import (
    Embedder,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.search.found import Vector

EMBEDDING_SECONDS = 15.0
Make = Callable[[EmbeddingDescriptor], Embedder]
# Computes the cosine of each text and a question.
Compare = Callable[[Sequence[str]], Awaitable[Vector]]


class Embedders:
    """`make` loads an embedder for a descriptor; each is kept for the life of the process."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._loaded: dict[str, Embedder] = {}
        self._loading: SingleFlight[Embedder] = SingleFlight()

    async def get(self, descriptor: EmbeddingDescriptor) -> Embedder:
        """The descriptor's embedder with its model in memory."""
        key = descriptor.model_dump_json()  # credentials included: they may be renamed

        async def load() -> Embedder:
            # In a thread, because reading a model takes 0.2 s and other questions must go on.
            self._loaded[key] = await asyncio.to_thread(self._make, descriptor)
            return self._loaded[key]

        return self._loaded.get(key) or await self._loading.run(key, load)

    async def question(self, descriptor: EmbeddingDescriptor, text: str) -> Vector:
        """The vector of a question. Raises QuestionEmbeddingError."""
        embedder = await self.get(descriptor)
        async with _bounded():
            vector: Vector = (await embedder.embed_queries([text]))[0]
        return vector

    async def similarities(
        self, descriptor: EmbeddingDescriptor, question: Vector, texts: Sequence[str]
    ) -> Vector:
        """The cosine of each text and the question. Raises QuestionEmbeddingError."""
        embedder = await self.get(descriptor)
        async with _bounded():
            vectors = await embedder.embed_documents(texts)
        similarities: Vector = vectors @ question
        return similarities

    async def close(self) -> None:
        for embedder in self._loaded.values():
            await embedder.close()


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    """Limits the time for an embedder, and turns its failures into errors for a reply."""
    try:
        async with asyncio.timeout(EMBEDDING_SECONDS):
            yield
    except TimeoutError:
        raise QuestionEmbeddingError(
            f"the question was not embedded within {EMBEDDING_SECONDS:g} s; ask again"
        ) from None
    except (EmbeddingUnavailableError, EmbeddingRejectedError) as error:
        raise QuestionEmbeddingError(f"the embedding endpoint {error.words}") from None

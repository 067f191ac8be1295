"""Question to chunks, with the model and on the tables of one version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from ragwright_api.budget import Budget
from ragwright_api.cache import Cache
from ragwright_api.cost import FREE, Cost
from ragwright_api.database import Database
from ragwright_api.errors import QuestionEmbeddingError
from ragwright_api.lease import Lease, LiveVersion
from ragwright_api.metrics import Metrics
from ragwright_api.nearest import Nearest, pack, unpack
from ragwright_api.search import Found, Search, Words
from ragwright_api.singleflight import SingleFlight
from ragwright_core import cachekeys
from ragwright_core.embedding import (
    Embedder,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from ragwright_core.filters import Filter, canonical
from ragwright_core.handover import ServeSettings
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.fusion import weights

EMBEDDING_SECONDS = 15.0
Vector = NDArray[np.float32]
Make = Callable[[EmbeddingDescriptor], Embedder]
_ONE_TEXT = Cost(embeddings=1)


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
class Wanted:
    """All that decides, on one version, which chunks a question is given. `question` is
    normalized; a `score_threshold` of 0 leaves out none."""

    question: str
    filters: Filter
    top_k: int
    score_threshold: float


@dataclass(frozen=True)
class Retrieved:
    """What an answer is made from: chunks, best first, and the means to compare texts. `made`
    is what models were asked for it, `saved` what a cache had already."""

    found: tuple[Found, ...]
    vector: Vector
    embedder: Embedder
    made: Cost = FREE
    saved: Cost = FREE

    @property
    def cost(self) -> Cost:
        """What it takes where nothing is cached."""
        return self.made + self.saved

    async def similarities(self, texts: Sequence[str]) -> Vector:
        """Cosine of each text and the question, by the version's own model."""
        async with _embedding():
            vectors = await self.embedder.embed_documents(texts)
        similarities: Vector = vectors @ self.vector
        return similarities


class Retrieval:
    """`make` loads an embedder for a descriptor; each is kept for the life of the process."""

    def __init__(
        self,
        database: Database,
        cache: Cache,
        make: Make,
        metrics: Metrics,
        settings: ServeSettings,
    ) -> None:
        self._database = database
        self._cache = cache
        self._make = make
        self._metrics = metrics
        self._schema = settings.pipeline.names.schema
        self._ttl = settings.cache.embedding_ttl_seconds
        self._chunks_ttl = settings.cache.answer_ttl
        self._weights = weights(settings.retrieval)
        self._embedders: dict[str, Embedder] = {}
        self._loading: SingleFlight[Embedder] = SingleFlight()

    async def retrieve(
        self, lease: Lease, wanted: Wanted, budget: Budget, *, use_cache: bool = True
    ) -> Retrieved:
        """`use_cache` False looks for nothing in the cache, and stores all the same. Raises
        DatabaseUnavailableError, QuestionEmbeddingError, or UndefinedTable."""
        version = lease.version
        assert version is not None, "nothing is retrieved before the first version"
        embedder = await self.embedder(version.descriptor.embedding)
        key = self._key(version, lease.epoch, wanted)
        stored = await self._cache.get(key, budget) if use_cache else None
        nearest = unpack(stored, version.descriptor.embedding.dimensions) if stored else None
        cached = True
        if nearest is not None:
            self._metrics.retrieval_hits.inc()
        else:
            nearest, cached = await self._nearest(version, embedder, wanted, budget)
            await self._cache.put(key, pack(nearest), self._chunks_ttl, budget)
        made, saved = (FREE, _ONE_TEXT) if cached else (_ONE_TEXT, FREE)
        return Retrieved(nearest.found, nearest.vector, embedder, made, saved)

    def _key(self, version: LiveVersion, epoch: int, wanted: Wanted) -> str:
        return cachekeys.retrieval_key(
            cachekeys.IndexPoint(self._schema, version.id, epoch),
            scope="",
            question=wanted.question,
            filters=canonical(wanted.filters),
            settings=[wanted.top_k, wanted.score_threshold, *astuple(self._weights)],
        )

    async def _nearest(
        self, version: LiveVersion, embedder: Embedder, wanted: Wanted, budget: Budget
    ) -> tuple[Nearest, bool]:
        """What is nearest, and whether the question's vector was cached."""
        descriptor = version.descriptor.embedding
        vector, cached = await self._vector(embedder, descriptor, wanted.question, budget)
        words = self._words(version, wanted.question)
        search = Search(vector, wanted.top_k, wanted.filters, words)
        found = await self._database.search(version, search)
        return Nearest(alike(found, wanted.score_threshold), vector), cached

    def _words(self, version: LiveVersion, question: str) -> Words | None:
        """None where words count nothing, or where the version has no text search because an older
        release built it."""
        language = version.descriptor.language
        if not (self._weights.lexical and language):
            return None
        return Words(question, language, self._weights)

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
    ) -> tuple[Vector, bool]:
        """The question's vector, and whether it was cached."""
        if not descriptor.is_dear:
            return await _embed(embedder, question), False
        key = cachekeys.embedding_key(
            self._schema, descriptor.fingerprint, descriptor.query_prefix + question
        )
        cached = await self._cache.get(key, budget)
        if cached is not None and len(cached) == 4 * descriptor.dimensions:
            return np.frombuffer(cached, np.float32), True
        vector = await _embed(embedder, question)
        await self._cache.put(key, vector.tobytes(), self._ttl, budget)
        return vector, False


def alike(found: Sequence[Found], threshold: float) -> tuple[Found, ...]:
    """Those of at least this cosine; all for 0, for a cosine may be negative."""
    return tuple(item for item in found if not threshold or item.score >= threshold)


async def _embed(embedder: Embedder, question: str) -> Vector:
    async with _embedding():
        vector: Vector = (await embedder.embed_queries([question]))[0]
    return vector

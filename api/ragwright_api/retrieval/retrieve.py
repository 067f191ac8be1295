"""Finds the chunks for a question, with the model and the tables of one version."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from ragwright_api.caching.breaker import Budget
from ragwright_api.caching.codec import (
    decode_chunks,
    decode_vector,
    encode_chunks,
    encode_vector,
)
from ragwright_api.caching.redis import Cache
from ragwright_api.index.database import Database
from ragwright_api.index.lease import LiveVersion
from ragwright_api.retrieval.embedders import Embedders
from ragwright_api.retrieval.question import Question
from ragwright_api.telemetry.ledger import FREE, Cost
from ragwright_api.telemetry.metrics import Metrics
from ragwright_core import cachekeys
from ragwright_core.filters import canonical
from ragwright_core.index.search.found import Found, Vector, Wanted
from ragwright_core.serving import ServeSettings

_ONE_TEXT = Cost(embeddings=1)


@dataclass(frozen=True)
class Retrieved:
    """The input of an answer: chunks, best first, and the question's vector. `made` counts calls of
    models, and `saved` the calls that caches made unnecessary."""

    found: tuple[Found, ...]
    vector: Vector
    made: Cost = FREE
    saved: Cost = FREE

    @property
    def cost(self) -> Cost:
        """The cost if nothing were cached."""
        return self.made + self.saved


class Retrieval:
    def __init__(
        self,
        database: Database,
        cache: Cache,
        embedders: Embedders,
        metrics: Metrics,
        settings: ServeSettings,
    ) -> None:
        self._database = database
        self._cache = cache
        self._embedders = embedders
        self._metrics = metrics
        self._schema = settings.pipeline.names.schema
        self._ttl = settings.cache.embedding_ttl_seconds
        self._chunks_ttl = settings.cache.answer_ttl

    async def retrieve(self, question: Question, version: LiveVersion, budget: Budget) -> Retrieved:
        """Chunks that were found before, else a search. Raises as `search` does."""
        known = await self.recall(question, version, budget)
        return known or await self.search(question, version, budget)

    async def recall(
        self, question: Question, version: LiveVersion, budget: Budget
    ) -> Retrieved | None:
        """Chunks that were found before."""
        if not question.use_cache:
            return None
        began = time.perf_counter()
        stored = await self._cache.get(self._key(question.wanted, version), budget)
        dimensions = version.descriptor.embedding.dimensions
        if stored is None or (kept := decode_chunks(stored, dimensions)) is None:
            return None
        self._metrics.retrieval_hits.inc()
        return self._counted(Retrieved(*kept, saved=_ONE_TEXT), began)

    async def search(self, question: Question, version: LiveVersion, budget: Budget) -> Retrieved:
        """Search, and store what is found. Raises DatabaseUnavailableError, QuestionEmbeddingError
        or UndefinedTable."""
        began, wanted = time.perf_counter(), question.wanted
        vector, cached = await self._vector(version, wanted.question, budget)
        found = await self._database.search(version, wanted, vector)
        value = encode_chunks(found, vector)
        self._cache.keep(self._key(wanted, version), value, self._chunks_ttl)
        made, saved = (FREE, _ONE_TEXT) if cached else (_ONE_TEXT, FREE)
        return self._counted(Retrieved(found, vector, made, saved), began)

    def _counted(self, retrieved: Retrieved, began: float) -> Retrieved:
        self._metrics.retrieval_seconds.observe(time.perf_counter() - began)
        self._metrics.empty.inc(not retrieved.found)
        self._metrics.ledger.made.add(retrieved.made)
        self._metrics.ledger.saved.add(retrieved.saved)
        return retrieved

    def _key(self, wanted: Wanted, version: LiveVersion) -> str:
        return cachekeys.retrieval_key(
            cachekeys.IndexPoint(self._schema, version.id, version.epoch),
            scope="",
            question=wanted.question,
            filters=canonical(wanted.filters),
            settings=[wanted.top_k, wanted.score_threshold, *astuple(wanted.weights)],
        )

    async def _vector(self, version: LiveVersion, text: str, budget: Budget) -> tuple[Vector, bool]:
        """The question's vector, and whether it was cached. It is not cached if an older release
        did not identify the model, because the key could not say whose vector it is."""
        descriptor = version.descriptor.embedding
        if not (descriptor.is_worth_caching and descriptor.identity):
            return await self._embedders.question(descriptor, text), False
        seen, epoch = descriptor.query_prefix + text, version.epoch
        key = cachekeys.question_embedding_key(self._schema, descriptor.fingerprint, epoch, seen)
        raw = await self._cache.get(key, budget)
        if raw is not None and (kept := decode_vector(raw, descriptor.dimensions)) is not None:
            return kept, True
        vector = await self._embedders.question(descriptor, text)
        self._cache.keep(key, encode_vector(vector), self._ttl)
        return vector, False

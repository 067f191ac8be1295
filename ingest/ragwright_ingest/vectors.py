"""Vectors for chunks: reused from kept versions, else from the cache, else embedded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import redis
from numpy.typing import NDArray

from ragwright_core import cachekeys
from ragwright_core.embedding import Embedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import is_same_model
from ragwright_ingest import queries
from ragwright_ingest.chunk import Chunk
from ragwright_ingest.database import Connection

Vector = NDArray[np.float32]


class VectorCache(Protocol):
    def get(self, texts: Sequence[str]) -> list[Vector | None]: ...

    def put(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None: ...


class NoCache:
    """For the static model: computing a vector is cheaper than asking Redis for it."""

    def get(self, texts: Sequence[str]) -> list[Vector | None]:
        return [None] * len(texts)

    def put(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        pass


class RedisCache:
    """Vectors as float32 bytes. A Redis that fails is left alone for the rest of the Job."""

    def __init__(
        self, client: redis.Redis, schema: str, descriptor: EmbeddingDescriptor, ttl_seconds: int
    ) -> None:
        self._client = client
        self._schema = schema
        self._descriptor = descriptor
        self._ttl = ttl_seconds
        self._broken = False

    def _key(self, text: str) -> str:
        seen = self._descriptor.document_prefix + text
        return cachekeys.embedding_key(self._schema, self._descriptor.fingerprint, seen)

    def get(self, texts: Sequence[str]) -> list[Vector | None]:
        if self._broken or not texts:
            return [None] * len(texts)
        try:
            found: list[bytes | None] = self._client.mget([self._key(text) for text in texts])  # type: ignore[assignment]
        except redis.RedisError:
            self._broken = True
            return [None] * len(texts)
        return [None if raw is None else np.frombuffer(raw, np.float32) for raw in found]

    def is_of_model(self, sentences: Vector) -> bool:
        """Whether the stored vectors come from the model that embeds the fixed sentences so, shape
        (3, dimensions). Where nothing says so they do not."""
        key = cachekeys.sentences_key(self._schema, self._descriptor.fingerprint)
        try:
            raw = self._client.get(key)
            self._client.set(key, sentences.tobytes(), ex=self._ttl)
        except redis.RedisError:
            self._broken = True
            return True  # it is not read any more
        if not isinstance(raw, bytes) or len(raw) != sentences.nbytes:
            return False
        return is_same_model(np.frombuffer(raw, np.float32).reshape(sentences.shape), sentences)

    def put(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        if self._broken or not texts:
            return
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for text, vector in zip(texts, vectors, strict=True):
                    pipeline.set(self._key(text), vector.tobytes(), ex=self._ttl)
                pipeline.execute()
        except redis.RedisError:
            self._broken = True


@dataclass(frozen=True)
class Vectors:
    """One vector for each chunk, and how they were had; a cached one counts as reused."""

    vectors: list[Vector]
    embedded: int
    reused: int

    @classmethod
    def joined(cls, parts: Iterable[Vectors]) -> Vectors:
        found = list(parts)
        return cls(
            vectors=[vector for part in found for vector in part.vectors],
            embedded=sum(part.embedded for part in found),
            reused=sum(part.reused for part in found),
        )


@dataclass(frozen=True)
class Vectorizer:
    """`reuse_from` are kept versions with the same embedding fingerprint, newest first."""

    connection: Connection
    embedder: Embedder
    cache: VectorCache
    reuse_from: tuple[int, ...]
    runner: asyncio.Runner

    def vectors(self, chunks: Sequence[Chunk]) -> Vectors:
        """Raises EmbeddingUnavailableError or EmbeddingRejectedError."""
        texts = {chunk.hash: chunk.text for chunk in chunks}
        known = self._from_versions(list(texts))
        missing = [key for key in texts if key not in known]
        cached = self.cache.get([texts[key] for key in missing])
        known |= {k: found for k, found in zip(missing, cached, strict=True) if found is not None}
        fresh = [key for key in missing if key not in known]
        if fresh:
            new_texts = [texts[key] for key in fresh]
            new = self.runner.run(self.embedder.embed_documents(new_texts))
            self.cache.put(new_texts, list(new))
            known |= dict(zip(fresh, new, strict=True))
        return Vectors(
            vectors=[known[chunk.hash] for chunk in chunks],
            embedded=len(fresh),
            reused=len(chunks) - len(fresh),
        )

    def _from_versions(self, hashes: list[bytes]) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        for number in self.reuse_from:
            wanted = [key for key in hashes if key not in found]
            if wanted:
                rows = self.connection.execute(queries.reusable(number), [wanted])
                found |= {bytes(key): np.asarray(as_array(v), np.float32) for key, v in rows}
        return found


def as_array(value: object) -> object:
    """A vector as pgvector's types give it: an array already, or a HalfVector."""
    return value.to_numpy() if hasattr(value, "to_numpy") else value

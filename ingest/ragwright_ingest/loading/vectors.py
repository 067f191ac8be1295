"""Vectors for chunks: they are reused from kept versions, else cached, else embedded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import redis
from numpy.typing import NDArray

from ragwright_core import cachekeys
from ragwright_core.embedding import Embedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.loading.chunk import Chunk

Vector = NDArray[np.float32]


class VectorCache(Protocol):
    def get(self, texts: Sequence[str]) -> list[Vector | None]: ...

    def put(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None: ...


class NoCache:
    """For the static model, whose vectors are cheaper to compute than to get from Redis."""

    def get(self, texts: Sequence[str]) -> list[Vector | None]:
        return [None] * len(texts)

    def put(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        pass


class RedisCache:
    """Vectors as float32 bytes. After a failure, Redis is not used for the rest of the Job.

    Whatever answers at its address and whatever is stored there, a build is at most slower for it.
    """

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
            found: Any = self._client.mget([self._key(text) for text in texts])
            vectors = [self._vector(raw) for raw in found]
        except Exception:  # of redis-py, or about what a server sent that is none of Redis
            vectors = []
        if len(vectors) != len(texts):
            self._broken = True
            return [None] * len(texts)
        return vectors

    def _vector(self, raw: bytes | None) -> Vector | None:
        """The vector, or None if the bytes are not those of one: then it is embedded anew."""
        if raw is None or len(raw) != 4 * self._descriptor.dimensions:
            return None
        vector = np.frombuffer(raw, np.float32)
        return vector if np.isfinite(vector).all() and vector.any() else None

    def put(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        if self._broken or not texts:
            return
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for text, vector in zip(texts, vectors, strict=True):
                    pipeline.set(self._key(text), vector.tobytes(), ex=self._ttl)
                pipeline.execute()
        except Exception:  # as in `get`
            self._broken = True


@dataclass(frozen=True)
class Vectors:
    """One vector for each chunk, and how many were embedded and reused. Cached ones are reused."""

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
    """`reuse_from` are kept versions with the same embedding fingerprint, newest first. If a new
    vector is of another model, the embedder raises, so that no such vector is stored."""

    connection: Connection
    embedder: Embedder
    cache: VectorCache
    reuse_from: tuple[int, ...]
    runner: asyncio.Runner

    def vectors(self, chunks: Sequence[Chunk]) -> Vectors:
        """The vectors of these chunks. Raises Embedding*Error."""
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
    """The array of a value that pgvector returned: an array already, or a HalfVector."""
    return value.to_numpy() if hasattr(value, "to_numpy") else value

"""Removing old keys from Redis. For memory only: keys hold the version's id, so none can lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import redis

from ragwright_core import cachekeys

_BATCH = 500


def open_cache(url: str | None) -> redis.Redis | None:
    """A client whose calls end within 2 s; none where the URL is no URL: a cache is no must."""
    if url is None or not url.startswith(("redis://", "rediss://", "unix://")):
        return None
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def purge_answers(client: redis.Redis | None, schema: str, live_id: str) -> str | None:
    """Remove answers and retrieved chunks of every version but the live one; a warning where
    Redis fails."""
    if client is None:
        return None
    return _unlink(
        client,
        [cachekeys.response_pattern(schema), cachekeys.retrieval_pattern(schema)],
        lambda key: not cachekeys.is_of_version(key, live_id),
    )


def purge_vectors(client: redis.Redis, schema: str) -> str | None:
    """Remove a pipeline's vectors, but not what says which model they are of; a warning where
    Redis fails."""
    pattern = cachekeys.embedding_pattern(schema)
    return _unlink(client, [pattern], lambda key: not cachekeys.is_sentences(key))


def purge_all(client: redis.Redis | None, schema: str) -> str | None:
    """Remove every key of a pipeline; a warning where Redis fails."""
    if client is None:
        return None
    return _unlink(client, cachekeys.patterns(schema), lambda _: True)


def _unlink(
    client: redis.Redis, patterns: Iterable[str], wanted: Callable[[str], bool]
) -> str | None:
    try:
        for pattern in patterns:
            batch: list[bytes] = []
            for key in client.scan_iter(match=pattern, count=_BATCH):
                if wanted(key.decode()):
                    batch.append(key)
                if len(batch) >= _BATCH:
                    client.unlink(*batch)
                    batch.clear()
            if batch:
                client.unlink(*batch)
    except redis.RedisError as error:
        return f"old cache keys were not purged ({type(error).__name__}); they expire by themselves"
    return None

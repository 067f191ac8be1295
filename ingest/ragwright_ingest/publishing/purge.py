"""Removes old keys from Redis, only to free memory: a key says what its value depends on, so an old
key never gives a wrong answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import redis

from ragwright_core import cachekeys

_BATCH = 500


def purge_answers(client: redis.Redis | None, schema: str, live_id: str) -> str | None:
    """Remove answers and retrieved chunks of every version but the live one. Returns a warning if
    Redis fails."""
    if client is None:
        return None
    return _unlink(
        client,
        [cachekeys.response_pattern(schema), cachekeys.retrieval_pattern(schema)],
        lambda key: not cachekeys.is_of_version(key, live_id),
    )


def purge_all(client: redis.Redis | None, schema: str) -> str | None:
    """Remove every key of a pipeline. Returns a warning if Redis fails."""
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
                if wanted(key.decode(errors="replace")):
                    batch.append(key)
                if len(batch) >= _BATCH:
                    client.unlink(*batch)
                    batch.clear()
            if batch:
                client.unlink(*batch)
    except Exception as error:  # of redis-py, or about what a server sent that is none of Redis
        return f"old cache keys were not purged ({type(error).__name__}); they expire by themselves"
    return None

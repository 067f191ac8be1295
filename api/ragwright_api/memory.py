"""Answers in the process's own memory, of one version and epoch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TLRUCache

from ragwright_api.stored import Stored
from ragwright_core.cachekeys import IndexPoint

Headers = tuple[tuple[bytes, bytes], ...]
# What an entry costs beside its texts: objects, and its places in the cache's tables.
OVERHEAD_BYTES = 1000


@dataclass(frozen=True)
class Remembered:
    """A reply to a request's body: what was stored, and its headers. `lives` in seconds."""

    request: bytes
    stored: Stored
    headers: Headers
    lives: float

    @property
    def size(self) -> int:
        return len(self.request) + len(self.stored.body) + OVERHEAD_BYTES


class Memory:
    """Replies by request body; beyond `limit_bytes` the least lately used one leaves. Holds nothing
    of an older version or epoch: the first question under a new one empties it."""

    def __init__(self, limit_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit_bytes
        self._point: IndexPoint | None = None
        self._replies: TLRUCache[bytes, Remembered] = TLRUCache(
            maxsize=limit_bytes,
            ttu=lambda _, reply, now: now + reply.lives,
            timer=clock,
            getsizeof=lambda reply: reply.size,
        )

    @property
    def has_room(self) -> bool:
        """Whether it may hold anything at all."""
        return self._limit > OVERHEAD_BYTES

    @property
    def size(self) -> float:
        """Bytes held."""
        return self._replies.currsize

    def get(self, point: IndexPoint, request: bytes) -> Remembered | None:
        if point != self._point:
            self._replies.clear()
            self._point = point
        return self._replies.get(request)

    def put(self, point: IndexPoint, reply: Remembered) -> None:
        """Keep a reply, unless another version or epoch is known by now, or it is too large."""
        if point == self._point and reply.size <= self._limit:
            self._replies[reply.request] = reply

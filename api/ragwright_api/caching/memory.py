"""The process's own cache, which holds values of one version and epoch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import TLRUCache

from ragwright_core.cachekeys import IndexPoint

Value = TypeVar("Value")

# The memory that an entry needs besides its texts: objects, and slots in the cache's tables.
OVERHEAD_BYTES = 1000


@dataclass(frozen=True)
class _Entry(Generic[Value]):
    value: Value
    size: int
    ends_at: float


class Memory(Generic[Value]):
    """Values by request body and by key. Beyond `limit_bytes` the least recently used value is
    removed. The first question under a new version or epoch empties the memory."""

    def __init__(self, limit_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit_bytes
        self._clock = clock
        self._point: IndexPoint | None = None
        self._entries: TLRUCache[bytes | str, _Entry[Value]] = TLRUCache(
            maxsize=limit_bytes,
            ttu=lambda _, entry, _now: entry.ends_at,
            timer=clock,
            getsizeof=lambda entry: entry.size,
        )

    @property
    def has_room(self) -> bool:
        """Whether the limit allows any entry at all."""
        return self._limit > OVERHEAD_BYTES

    @property
    def size(self) -> float:
        """The bytes that the entries take."""
        return self._entries.currsize

    def get(self, point: IndexPoint, request: bytes | str) -> Value | None:
        if point != self._point:
            self._entries.clear()
            self._point = point
        entry = self._entries.get(request)
        return None if entry is None else entry.value

    def seconds_left(self, point: IndexPoint, request: bytes | str) -> float | None:
        """How long a value will live, or None if it is not here. It may be asked late, and so
        empties nothing."""
        entry = self._entries.get(request) if point == self._point else None
        return None if entry is None else entry.ends_at - self._clock()

    def put(
        self, point: IndexPoint, request: bytes | str, value: Value, *, size: int, lives: float
    ) -> None:
        """Keep a value of `size` bytes for `lives` seconds, unless it is too large, or another
        version or epoch is known by now."""
        whole = len(request) + size + OVERHEAD_BYTES
        if point == self._point and whole <= self._limit:
            self._entries[request] = _Entry(value, whole, self._clock() + lives)

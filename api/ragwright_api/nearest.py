"""Retrieved chunks as they stand in Redis: JSON, a line's end, and the question's vector."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from ragwright_api.search import Found


@dataclass(frozen=True)
class Nearest:
    """What was found, nearest first, and the question's vector."""

    found: tuple[Found, ...]
    vector: NDArray[np.float32]


def pack(nearest: Nearest) -> bytes:
    found = orjson.dumps([asdict(item) for item in nearest.found])
    return found + b"\n" + nearest.vector.astype("<f4").tobytes()


def unpack(stored: bytes, dimensions: int) -> Nearest | None:
    """None for what is no such value: Redis may be anyone's."""
    found, _, vector = stored.partition(b"\n")
    if len(vector) != 4 * dimensions:
        return None
    try:
        items = tuple(Found(**item) for item in orjson.loads(found))
    except (orjson.JSONDecodeError, TypeError):
        return None
    return Nearest(items, np.frombuffer(vector, "<f4"))

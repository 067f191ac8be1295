"""The encoding of answers, chunks and vectors in Redis.

Each value has a mark that is made from the names and types of its fields. A value that a release
with other fields has written is therefore a miss, and never misread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import orjson

from ragwright_api.telemetry.ledger import FREE, Cost
from ragwright_core.index.search.found import Found, Vector
from ragwright_core.model import fingerprint


def mark_of(written: int, shape: type) -> str:
    """The mark of a shape, which changes with any field's name, position or type. `written` is
    raised when the same fields would hold something else under the same key."""
    told = [[item.name, str(item.type)] for item in fields(shape)]
    return fingerprint([written, told])[:8]


# Part of an answer's key too, because an answer that cost nothing is stored as its body alone.
# 2: the question is embedded as it was asked.
ANSWER_MARK = mark_of(2, Cost)
# 2: the threshold is applied before the first topK are taken. 3: as ANSWER_MARK's 2.
_CHUNKS_MARK = mark_of(3, Found).encode()
# A vector has no fields, so its mark is raised by hand.
_VECTOR_MARK = b"\x01"


@dataclass(frozen=True)
class Stored:
    """An answer ready to send. `body` is a JSON object without the fields that differ from reply to
    reply. `cost` is the cost of the answer if nothing were cached; it is never sent."""

    body: bytes
    cost: Cost = FREE

    def sent(self, seconds: float, *, from_cache: bool) -> bytes:
        """The body with its last two fields spliced in, so that a hit is not parsed."""
        flag = b"true" if from_cache else b"false"
        return b'%s,"from_cache":%s,"latency_ms":%.1f}' % (self.body[:-1], flag, seconds * 1000)


def encode_answer(stored: Stored) -> bytes:
    """The body, and its cost on a second line if it had any."""
    if stored.cost == FREE:
        return stored.body
    return b"%s\n%s%s" % (stored.body, ANSWER_MARK.encode(), orjson.dumps(astuple(stored.cost)))


def decode_answer(raw: bytes) -> Stored | None:
    """The answer, or None if the bytes are not one: other programs may write to Redis."""
    body, _, line = raw.partition(b"\n")
    if not (body.startswith(b'{"answer":') and body.endswith(b"}")):
        return None
    if not line:
        return Stored(body)
    mark, numbers = line[: len(ANSWER_MARK)], line[len(ANSWER_MARK) :]
    if mark != ANSWER_MARK.encode():
        return None
    try:
        return Stored(body, Cost(*_whole_numbers(numbers)))
    except (ValueError, TypeError):
        return None


def _whole_numbers(raw: bytes) -> list[int]:
    numbers = orjson.loads(raw)
    if not all(isinstance(number, int) for number in numbers):
        raise TypeError
    return list(numbers)


def encode_chunks(found: Sequence[Found], vector: Vector) -> bytes:
    """A mark, the chunks as JSON, a newline, and the question's vector."""
    return b"%s%s\n%s" % (_CHUNKS_MARK, orjson.dumps(found), vector.astype("<f4").tobytes())


def decode_chunks(raw: bytes, dimensions: int) -> tuple[tuple[Found, ...], Vector] | None:
    """The chunks, or None if the bytes are not chunks: other programs may write to Redis."""
    told, _, vector = raw.partition(b"\n")
    if not told.startswith(_CHUNKS_MARK) or len(vector) != 4 * dimensions:
        return None
    try:
        items = orjson.loads(told[len(_CHUNKS_MARK) :])
        return tuple(Found(**item) for item in items), np.frombuffer(vector, "<f4")
    except (orjson.JSONDecodeError, TypeError):
        return None


def encode_vector(vector: Vector) -> bytes:
    return _VECTOR_MARK + vector.astype("<f4").tobytes()


def decode_vector(raw: bytes, dimensions: int) -> Vector | None:
    """The vector, or None if the bytes are no vector with this number of dimensions."""
    own = raw.startswith(_VECTOR_MARK) and len(raw) == len(_VECTOR_MARK) + 4 * dimensions
    return np.frombuffer(raw, "<f4", offset=len(_VECTOR_MARK)) if own else None

"""An answer as the caches keep it: ready to send, and what it had cost."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import orjson

from ragwright_api.cost import FREE, Cost


@dataclass(frozen=True)
class Stored:
    """`body` is a JSON object without the fields that differ from reply to reply. `cost` is what
    its answer takes where nothing is cached, and is never sent."""

    body: bytes
    cost: Cost = FREE

    def reply(self, seconds: float, *, from_cache: bool) -> bytes:
        """The body with its last two fields spliced in: a hit is not parsed again."""
        flag = b"true" if from_cache else b"false"
        return b'%s,"from_cache":%s,"latency_ms":%.1f}' % (self.body[:-1], flag, seconds * 1000)

    def encoded(self) -> bytes:
        """As it stands in Redis: the body, and its cost on a second line if it had any."""
        if self.cost == FREE:
            return self.body
        return self.body + b"\n" + orjson.dumps(astuple(self.cost))


def decoded(raw: bytes) -> Stored | None:
    """None for what is no answer, whoever put it there."""
    body, _, line = raw.partition(b"\n")
    if not (body.startswith(b'{"answer":') and body.endswith(b"}")):
        return None
    if not line:
        return Stored(body)
    try:
        numbers = orjson.loads(line)
        if not all(isinstance(number, int) for number in numbers):
            return None
        return Stored(body, Cost(*numbers))
    except (ValueError, TypeError):
        return None

"""What embedding endpoints do for one text that they cannot embed: a line for each.

The text fails its document alone, whatever is said of it; the others are embedded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dev.servers.openai_server import vector
from ragwright_core.embedding import TextRefusedError
from tests.kit.hostile.embedding import DIMENSIONS, Item, Line, fails_for, items, texts_of, well
from tests.kit.hostile.endpoint import Asked, Said, Say

POISON = "POISON"
ELSEWHERE = (("Location", "http://elsewhere.example/"),)
HERE = (("Location", "/v1/embeddings"),)
BLOCKED = b"<html><title>Attention Required! | Cloudflare</title>"


def one(name: str, say: Say, words: str = "e") -> Line:
    return Line(f"one text gets {name}", say, TextRefusedError, words)


def fails(said: Said, words: str = "e") -> Line:
    return one(f"{said.status or 'no reply'} {said.body or ''}", fails_for(POISON, said), words)


def changed(change: Callable[[Item], Item | None]) -> Say:
    """Everything is well but for what `change` makes of the text's item, None being left out."""

    def say(asked: Asked) -> Said:
        pairs = zip(items(asked), texts_of(asked), strict=True)
        made = [change(item) if POISON in text else item for item, text in pairs]
        return Said({"data": [item for item in made if item is not None]})

    return say


def dies(misses: int) -> Say:
    """A server that dies of the text, and is back after so many calls."""
    missing = 0

    def say(asked: Asked) -> Said:
        nonlocal missing
        if missing:
            missing -= 1
            return Said(status=0)
        if any(POISON in text for text in texts_of(asked)):
            missing = misses
            return Said(status=0)
        return well(asked)

    return say


def unnumbered(asked: Asked) -> Said:
    made = [vector(text, DIMENSIONS) for text in texts_of(asked) if POISON not in text]
    return Said({"data": [{"embedding": row} for row in made]})


def misnumbered(asked: Asked) -> Said:
    poisoned = any(POISON in text for text in texts_of(asked))
    return Said({"data": [{**i, "index": i["index"] + poisoned} for i in items(asked)]})


def within(**error: Any) -> Said:
    return Said({"error": error})


TABLE = [
    *(
        fails(Said({}, status), f"HTTP {status}")
        for status in (400, 401, 402, 403, 404, 413, 422, 423, 429, 451, 499, 500, 503)
    ),
    fails(Said(status=0)),
    fails(Said(BLOCKED, 403, (("Content-Type", "text/html"),)), "HTTP 403"),
    fails(Said({"error": "no refund: insufficient balance"}, 403), "HTTP 403"),
    fails(Said({}, 429, (("Retry-After", "0"),)), "HTTP 429"),
    one("a redirect to elsewhere", fails_for(POISON, Said(status=302, headers=ELSEWHERE))),
    one("a redirect without an end", fails_for(POISON, Said(status=307, headers=HERE))),
    one("another redirect", fails_for(POISON, Said(status=303, headers=HERE))),
    fails(Said(BLOCKED, headers=(("Content-Type", "text/html"),)), "a web page"),
    fails(within(message="failed to embed")),
    fails(within(message="the input is too long")),
    fails(within(message="blocked", code=403), "code 403"),
    fails(within(message="slow down", code=429), "code 429"),
    one("left out", changed(lambda _: None), "returned 0 vectors"),
    one("nothing", unnumbered, "returned 0 vectors"),
    one("wrong numbers", misnumbered, "nobody can tell"),
    one("NaN", changed(lambda i: {**i, "embedding": [math.nan] * DIMENSIONS}), "not finite"),
    one("null", changed(lambda i: {**i, "embedding": None}), "not finite"),
    one("no answer", fails_for(POISON, Said(b" ", pace=0.1)), "no whole answer"),
    one("a server that dies of it", dies(2), "fails for this one"),
]

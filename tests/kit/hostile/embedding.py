"""What embedding endpoints say in the wild, and what must come of it: a line for each.

Public reports behind them: ollama#15582 and llama.cpp#7389 (500 for one text), neo#16972 (a batch
is too slow), litellm#3725 and #33173 (optional parameters refused), gpt-researcher#1526 (a reply
with status 200 that holds no embedding), llama_index#9147 (Azure's api-version).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dev.servers.openai_server import vector
from ragwright_core.embedding import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from tests.kit.hostile.endpoint import Asked, Said, Say

DIMENSIONS = 64
NO_OBJECTS: tuple[Any, ...] = (None, [], 5, "x", {}, {"data": None})
Item = dict[str, Any]
Vector = list[float]


def texts_of(asked: Asked) -> list[str]:
    found: list[str] = asked.body["input"]
    return found


def items(asked: Asked) -> list[Item]:
    texts = texts_of(asked)
    return [{"index": n, "embedding": vector(text, DIMENSIONS)} for n, text in enumerate(texts)]


def well(asked: Asked) -> Said:
    return Said({"data": items(asked)})


def changed(change: Callable[[list[Item]], Any]) -> Say:
    """Everything is well but for what `change` makes of the items."""
    return lambda asked: Said({"data": change(items(asked))})


def each(change: Callable[[Vector], Any], **fields: Any) -> Say:
    return changed(
        lambda all_of: [
            {**item, "embedding": change(item["embedding"]), **fields} for item in all_of
        ]
    )


def fails_for(word: str, said: Said) -> Say:
    """A server that cannot embed texts with this word, and so none that come with one."""
    return lambda asked: said if any(word in text for text in texts_of(asked)) else well(asked)


def takes(most: int, said: Said) -> Say:
    return lambda asked: said if len(texts_of(asked)) > most else well(asked)


def refuses(parameter: str, status: int, words: str) -> Say:
    detail = [{"type": "extra_forbidden", "loc": ["body", words]}]
    return without(parameter, Said({"detail": detail}, status))


def without(parameter: str, said: Said) -> Say:
    return lambda asked: said if parameter in asked.body else well(asked)


def packed(numbers: Vector) -> str:
    return base64.b64encode(np.asarray(numbers, "<f4").tobytes()).decode()


def without_index(all_of: list[Item]) -> list[Item]:
    return [{"embedding": item["embedding"]} for item in all_of]


@dataclass(frozen=True)
class Line:
    """What is said; and the error with words of it, or none where the texts are embedded."""

    name: str
    say: Say
    error: type[Exception] | None = None
    words: str = "e"


def fine(name: str, say: Say) -> Line:
    return Line(name, say)


def rejected(name: str, said: Said | Say, words: str = "did not answer with embeddings") -> Line:
    say = said if callable(said) else (lambda _: said)
    return Line(name, say, EmbeddingRejectedError, words)


def away(name: str, said: Said, words: str) -> Line:
    return Line(name, lambda _: said, EmbeddingUnavailableError, words)


TABLE = [
    # One and the same, said in other ways.
    fine("well", well),
    fine("shuffled", changed(lambda all_of: all_of[::-1])),
    fine("without index", changed(without_index)),
    fine("index null", each(list, index=None)),
    fine("packed", each(packed)),
    fine("whole numbers", lambda asked: Said({"data": items(asked), "usage": None, "more": 1})),
    fine("long vectors", each(lambda row: [1e30 * x for x in row])),
    fine("short vectors", each(lambda row: [1e-30 * x for x in row])),
    *(
        fine(f"dimensions refused with {status}", refuses("dimensions", status, "dimensions"))
        for status in (200, 400, 403, 422, 500, 501)
    ),
    *(
        fine(f"{status}: {words[:30]}", without("dimensions", Said({"error": error}, status)))
        for status in (200, 400, 500)
        for words in (
            "Unrecognized request argument supplied: dimensions",
            "litellm.UnsupportedParamsError: Setting dimensions is not supported for this model",
            "This model does not support specifying dimensions.",
        )
        for error in ({"message": words, "type": "invalid_request_error"},)
    ),
    *(
        rejected(
            f"{status}: {words[:30]}",
            without("dimensions", Said({"error": {"message": words}}, status)),
            "check embedding.dimensions, its model",
        )
        for status in (200, 400, 500)
        for words in (
            "Invalid value for 'dimensions' = 64. Must be less than or equal to 32",
            "This model only supports [32, 48] matryoshka dimensions",
        )
    ),
    fine(
        "an error of nothing",
        lambda asked: Said({"data": items(asked), "error": {"code": None, "message": None}}),
    ),
    away(
        "a fault that speaks of a dimension",
        Said({"error": {"message": "IndexError: Dimension out of range (expected [-1, 0])"}}, 500),
        "HTTP 500",
    ),
    rejected("401 drop by drop", Said(b" ", 401, pace=0.1), "check embedding.secretKeyRef"),
    fine("a matryoshka refused", refuses("dimensions", 400, "not a matryoshka model")),
    fine("encoding_format refused", refuses("encoding_format", 422, "encoding_format")),
    fine("two at once", takes(2, Said({}, 422))),
    fine("two at once, else 500", takes(2, Said({}, 500))),
    fine("one at once, else it hangs up", takes(1, Said(status=0))),
    # No embeddings.
    rejected(
        "a web page", Said(b"<html>sign in", headers=(("Content-Type", "text/html"),)), "a web page"
    ),
    rejected("words", Said(b"OK"), "no JSON"),
    *(rejected(f"JSON {body}", Said(body)) for body in NO_OBJECTS),
    rejected("Ollama's own form", Said({"embeddings": [[1.0]]})),
    rejected("a list of vectors", Said([[1.0]])),
    rejected("items that are null", Said({"data": [None]})),
    rejected(
        "an error within 200", Said({"error": {"message": "none"}}), "an error within the reply"
    ),
    rejected(
        "404 within 200", Said({"error": {"message": "No provider", "code": 404}}), "code 404"
    ),
    rejected("words for numbers", each(lambda row: [str(x) for x in row])),
    rejected("packed badly", each(lambda _: "not base64!")),
    rejected("packed in halves", each(lambda row: packed(row)[:-4])),
    rejected("a vector too few", changed(lambda all_of: all_of[:-1]), "returned 2 vectors"),
    rejected(
        "a vector too many",
        changed(lambda all_of: [*all_of, {**all_of[0], "index": len(all_of)}]),
        "returned 4 vectors",
    ),
    # Numbered so that nobody can tell whose they are, unless they come one by one.
    fine("two with one index", each(list, index=0)),
    rejected(
        "an index out of range",
        changed(lambda all_of: [{**i, "index": i["index"] + 1} for i in all_of]),
        "nobody can tell",
    ),
    fine(
        "half of them with index",
        changed(lambda all_of: [*without_index(all_of[:1]), *all_of[1:]]),
    ),
    rejected("an index in words", each(list, index="0")),
    rejected("other dimensions", each(lambda row: row[:10]), "[10] dimensions"),
    rejected(
        "vectors of two lengths",
        changed(
            lambda all_of: [{**i, "embedding": i["embedding"][: 30 + i["index"]]} for i in all_of]
        ),
        "[30, 31, 32] dimensions",
    ),
    rejected("an endless body", Said(b" " * 2**16, endless=True), "more than 1 MiB"),
    rejected("404", Said({}, 404), "check embedding.baseUrl and model"),
    rejected("401", Said({}, 401), "check embedding.secretKeyRef"),
    rejected("no money", Said({"error": {"code": "insufficient_quota"}}, 429), "quota is used up"),
    rejected(
        "a redirect to elsewhere",
        Said(status=308, headers=(("Location", "http://elsewhere.example/"),)),
        "a redirect to elsewhere",
    ),
    # An endpoint that is away.
    *(
        away(f"HTTP {status}", Said({}, status), f"HTTP {status}")
        for status in (408, 409, 425, 429, 500, 502, 503, 529)
    ),
    away("a closed connection", Said(status=0), "the connection broke"),
    away("503 within 200", Said({"error": {"code": 503}}), "code 503"),
    away("one byte at a time", Said(b" ", pace=0.1), "no whole answer within 0.5 s"),
    away("cut off JSON", Said(json.dumps({"data": []}).encode()[:-1]), "cut off"),
    away("an empty body", Said(), "an empty body"),
    away("204", Said(status=204), "HTTP 204"),
]

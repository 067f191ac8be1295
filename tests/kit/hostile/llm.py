"""What language models' endpoints say in the wild, and what must come of it: a line for each.

Public reports behind them: LightRAG#3446 (a cut answer was cached), langchain#35236 (choices null),
openrag#398 (max_tokens refused), openai-python#2599 (a time-out for each read).
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

from tests.kit.hostile.endpoint import Said

TEXT = "Within 14 days [1]."
USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
NO_OBJECTS: tuple[Any, ...] = (None, [], 5, "x", {})
HTML = (("Content-Type", "text/html"),)


def completion(content: Any = TEXT, finish_reason: Any = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {"id": "1", "choices": [choice], "usage": USAGE, **more}


def without(name: str) -> dict[str, Any]:
    made = completion(usage=None)
    del made["choices"][0][name]
    return made


def error(status: int, message: str, **fields: Any) -> Said:
    return Said({"error": {"message": message, **fields}}, status)


@dataclass(frozen=True)
class Line:
    """What is said, again and again; the text that is answered, or the status of the refusal and
    words of it; how often it is asked; the tokens that are counted; and how long is waited."""

    name: str
    said: Said
    text: str = ""
    status: int = 200
    words: str = ""
    tries: int = 1
    tokens: tuple[int, int] = (10, 5)
    seconds: int = 1


def whole(name: str, body: Any, text: str = TEXT, tokens: tuple[int, int] = (10, 5)) -> Line:
    return Line(name, Said(body), text=text, tokens=tokens)


def not_whole(name: str, body: Any, words: str, tokens: tuple[int, int] = (10, 5)) -> Line:
    return Line(name, Said(body), status=502, words=words, tokens=tokens)


def passing(
    name: str, said: Said, words: str, tokens: tuple[int, int] = (0, 0), seconds: int = 1
) -> Line:
    return Line(name, said, status=503, words=words, tries=3, tokens=tokens, seconds=seconds)


def refused(name: str, said: Said, words: str) -> Line:
    return Line(name, said, status=502, words=words, tokens=(0, 0))


TABLE = [
    whole("a whole answer", completion()),
    # Finished, in other servers' words.
    *(whole(f"ended with {word}", completion(finish_reason=word)) for word in ("eos", "END_TURN")),
    *(
        whole(f"an error of nothing: {empty}", {**completion(), "error": empty})
        for empty in (None, "", {}, {"code": None, "message": None}, {"message": "", "type": ""})
    ),
    # Not finished.
    not_whole("cut off", completion(finish_reason="length"), "raise llm.maxTokens"),
    not_whole("cut off by Gemini", completion(finish_reason="MAX_TOKENS"), "raise llm.maxTokens"),
    not_whole("filtered", completion(finish_reason="content_filter"), "content filter"),
    not_whole("a tool", completion(None, "tool_calls"), "called a tool"),
    not_whole("an unknown word", completion(finish_reason="sunset"), "does not say whether"),
    not_whole("no reason", completion(finish_reason=None), "does not say whether"),
    not_whole("no reason at all", without("finish_reason"), "does not say whether", (0, 0)),
    passing(
        "its server failed",
        Said(completion(finish_reason="error")),
        "failed while it wrote",
        (10, 5),
    ),
    # No text.
    whole("parts of text", completion([{"type": "text", "text": TEXT[:6]}, TEXT[6:]])),
    whole("thoughts before the text", completion([{"type": "thinking"}, {"text": TEXT}])),
    whole(
        "thoughts that are text before the text",
        completion([{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": TEXT}]),
    ),
    not_whole("a number", completion(42), "is no text"),
    not_whole("an object", completion({"text": "x"}), "is no text"),
    not_whole("a picture", completion([{"type": "image_url"}]), "is no text"),
    not_whole("nothing", completion(None), "wrote nothing"),
    not_whole("white space", completion(" \n"), "wrote nothing"),
    not_whole("a refusal", completion(None, message={"refusal": "I cannot"}), "refused to answer"),
    not_whole(
        "thoughts alone", completion(None, message={"reasoning_content": "Hm."}), "its reasoning"
    ),
    # No completion.
    passing("a web page", Said(b"<html>sign in", headers=HTML), "a web page"),
    passing("a web page as JSON", Said(b"<html>"), "a web page"),
    passing("words", Said(b"OK"), "no JSON"),
    *(passing(f"JSON {body}", Said(body), "no completion") for body in NO_OBJECTS),
    passing("no choice", Said({"choices": []}), "without a choice"),
    passing("choices null", Said({"choices": None}), "no completion"),
    passing("a choice that is null", Said({"choices": [None]}), "no completion"),
    passing("a message that is null", Said({"choices": [{"message": None}]}), "no completion"),
    passing("no message", Said({"choices": [{"finish_reason": "stop"}]}), "no completion"),
    passing("a stream", Said(b'data: {"choices":[]}\n\ndata: [DONE]\n\n'), "no JSON"),
    passing("cut off JSON", Said(json.dumps(completion()).encode()[:-9]), "cut off"),
    passing("an empty body", Said(), "an empty body"),
    passing("204", Said(status=204), "HTTP 204"),
    passing("an endless body", Said(b" " * 2**16, endless=True), "more than 8 MiB", seconds=20),
    passing("one byte at a time", Said(b" ", pace=0.05), "no whole answer within 1 s"),
    passing("an unknown packing", Said(b"x", headers=(("Content-Encoding", "br"),)), "packing"),
    passing("nested without an end", Said(b"[" * 100_000), "cut off, or no JSON"),
    whole("half a sign", completion("a\ud800b"), text="a\ufffdb"),
    whole("two halves of a sign", completion("\ud83d\ude00"), text="\U0001f600"),
    Line(
        "packed",
        Said(
            gzip.compress(json.dumps(completion()).encode()),
            headers=(("Content-Encoding", "gzip"),),
        ),
        text=TEXT,
    ),
    passing(
        "a bomb",
        Said(gzip.compress(b" " * 2**26), headers=(("Content-Encoding", "gzip"),)),
        "more than 8 MiB",
    ),
    # Usage that is none.
    *(
        whole(f"usage {usage!r}", completion(usage=usage), tokens=(0, 0))
        for usage in (*NO_OBJECTS, {"prompt_tokens": 1.5})
    ),
    whole(
        "odd counts",
        completion(usage={"prompt_tokens": -3, "completion_tokens": "5"}),
        tokens=(0, 0),
    ),
    whole(
        "half a count",
        completion(usage={"prompt_tokens": 7, "completion_tokens": None}),
        tokens=(7, 0),
    ),
    # Statuses.
    *(
        passing(f"HTTP {status}", error(status, "later"), f"HTTP {status}")
        for status in (408, 409, 425, 429, 500, 502, 503, 529)
    ),
    passing("a closed connection", Said(status=0), "the connection broke"),
    passing("503 within 200", Said({"error": {"code": 503}}), "code 503"),
    passing("an error within 200", Said({"error": "no provider"}), "an error within the reply"),
    *(
        refused(f"HTTP {status}", error(status, "no"), f"HTTP {status}")
        for status in (400, 401, 402, 403, 404, 405, 422)
    ),
    *(
        refused(f"{status}: {message[:30]}", error(status, message), "lower llm.maxTokens")
        for status in (200, 400, 422, 500)
        for message in (
            "max_tokens is too large: 32000. This model supports at most 16384 completion tokens",
            "Invalid 'max_tokens': integer above maximum value. Expected a value <= 16384",
            "max_tokens: 99 > 50, which is the maximum allowed number of output tokens",
            "Invalid max_tokens value, the valid range of max_tokens is [1, 50]",
            "Range of max_tokens should be [1, 50]",
            "`max_tokens` must be less than or equal to 50, less than the `context_window`",
            "maxOutputTokens: 99 is out of the supported range from 1 to 51",
        )
    ),
    refused(
        "the maximum tokens of Bedrock",
        error(400, "The maximum tokens you requested exceeds the model limit of 4096"),
        "lower llm.maxTokens",
    ),
    refused(
        "too few tokens",
        error(400, "Invalid 'max_tokens': integer below minimum value. Expected a value >= 100"),
        "raise llm.maxTokens",
    ),
    *(
        refused(f"{message[:30]}", error(400, message), "raise llm.maxTokens")
        for message in (
            "Could not finish the message because max_tokens or model output limit was reached. "
            "Please try again with higher max_tokens.",
            "max_tokens is too low for this model: increase max_tokens",
        )
    ),
    refused(
        "too long for TGI",
        error(422, "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1800 and 512"),
        "longer than it reads",
    ),
    refused("401 within 200", Said({"error": {"code": "401"}}), "code 401"),
    refused("no money", error(429, "You exceeded", code="insufficient_quota"), "quota is used up"),
    refused(
        "too long",
        error(
            400,
            "This model's maximum context length is 8192 tokens",
            code="context_length_exceeded",
        ),
        "longer than it reads; lower retrieval.topK",
    ),
    refused(
        "too long for vLLM",
        error(400, "'max_tokens' is too large: 512. This model's maximum context length is 4096"),
        "longer than it reads",
    ),
    refused(
        "too long for the account",
        error(429, "Request too large for gpt-4o"),
        "longer than it reads",
    ),
    refused("413", error(413, "entity"), "longer than it takes"),
    refused(
        "filtered by Azure",
        error(400, "content management policy", code="content_filter"),
        "content filter",
    ),
    refused(
        "a redirect to elsewhere",
        Said(status=307, headers=(("Location", "http://elsewhere.example/"),)),
        "a redirect to elsewhere",
    ),
    refused("another redirect", Said(status=303, headers=(("Location", "/v1"),)), "HTTP 303"),
]

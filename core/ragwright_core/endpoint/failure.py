"""What a failed try means: the one table of statuses, and the topics that error texts tell. Pure.

An endpoint's text is looked into here and never shown: it may repeat what was sent, or a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

LONGEST_TEXT = 8_000


class Verdict(Enum):
    PASSING = auto()  # the same request may succeed
    SLOW = auto()  # it took too long; a smaller request may succeed
    BUSY = auto()  # the endpoint wants fewer requests
    TEXTS = auto()  # what was sent is at fault: its content, its length, or its number of texts
    UNUSABLE = auto()  # the reply is no reply of such an endpoint
    REFUSED = auto()  # the same request will fail again


class Topic(Enum):
    """What an error is about, where its code or its text tells."""

    CONTEXT = auto()  # the request is longer than the model reads
    FILTER = auto()  # a content filter refused it
    QUOTA = auto()  # the account's money or quota is used up
    SIZE = auto()  # it is larger than the account may ever send at once
    TOO_HIGH = auto()  # an optional parameter has a value that the model does not take
    TOO_LOW = auto()  # likewise, and it wants a higher one


# Every status that is not here is judged by its hundred: 4xx is refused, 5xx passes.
_BY_STATUS = {
    400: Verdict.TEXTS,
    408: Verdict.PASSING,
    409: Verdict.PASSING,
    413: Verdict.TEXTS,
    422: Verdict.TEXTS,
    425: Verdict.PASSING,
    429: Verdict.BUSY,
}
# An error without a status, by its topic: all others are about what was sent.
_UNNUMBERED: dict[Topic | None, Verdict] = {None: Verdict.UNUSABLE, Topic.QUOTA: Verdict.REFUSED}
_TOPICS = (
    (
        Topic.QUOTA,
        r"insufficient_quota|billing_(hard_limit|not_active)|exceeded your current quota|"
        r"insufficient (balance|credits?|funds)|credit balance is too low",
    ),
    (
        Topic.FILTER,
        r"content[_ ]?filter|content[_ ]policy|content management policy|ResponsibleAIPolicy|"
        r"moderation|safety (system|setting|filter|reason)",
    ),
    (
        Topic.CONTEXT,
        r"context[_ ]?(length|window|size)|max(imum)?[_ ]?(model|sequence|input|prompt)[_ ]?"
        r"(len|length|tokens)|(prompt|input|request|message)s?( is| are)? too long|"
        r"too many (input )?tokens|exceeds? the (model|maximum|available|limit)|reduce the length|"
        r"inputs`? tokens \+ `?max_new_tokens",
    ),
    (Topic.SIZE, r"request too large"),
)


@dataclass(frozen=True)
class Failure:
    """`words` say what happened, for anyone; `detail` says more, for the pipeline's author. `told`
    is the endpoint's own text, for looking into alone. `retry_after` is in seconds."""

    verdict: Verdict
    words: str
    status: int | None = None
    detail: str = ""
    told: str = ""
    topic: Topic | None = None
    retry_after: float | None = None


class EndpointError(Exception):
    """A try that failed. `body` is the JSON that came with it, if any. `sent` is whether the
    request was sent, so that it may have been paid for."""

    def __init__(self, failure: Failure, *, body: Any = None, sent: bool = True) -> None:
        super().__init__(failure.words)
        self.failure = failure
        self.body = body
        self.sent = sent


def of_status(status: int, body: bytes, retry_after: float | None = None) -> Failure:
    told = body[:LONGEST_TEXT].decode("utf-8", "replace")
    topic = topic_of(told)
    return Failure(
        _verdict(status, topic),
        f"HTTP {status}",
        status,
        told=told,
        topic=topic,
        retry_after=retry_after,
    )


def topic_of(told: str) -> Topic | None:
    return next((topic for topic, words in _TOPICS if re.search(words, told, re.IGNORECASE)), None)


def error_within(body: Any, retry_after: float | None = None) -> Failure | None:
    """The failure that a reply with status 200 holds, as gateways write it. Its code is judged like
    a status; without one, by its topic."""
    error = _error(body[0] if isinstance(body, list) and len(body) == 1 else body)
    if not is_told(error):
        return None
    told = json.dumps(error)[:LONGEST_TEXT]
    topic, status = topic_of(told), _code(error)
    if status is None:
        return Failure(
            _UNNUMBERED.get(topic, Verdict.TEXTS),
            "an error within the reply",
            told=told,
            topic=topic,
            retry_after=retry_after,
        )
    words = f"an error within the reply, code {status}"
    verdict = _verdict(status, topic)
    return Failure(verdict, words, status, told=told, topic=topic, retry_after=retry_after)


def is_told(value: Any) -> bool:
    """Whether there is an error or a call: some servers always send one, which is empty where there
    is none."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _error(body: Any) -> Any:
    """Servers' other forms of it stand beside no answer."""
    if not isinstance(body, dict):
        return None
    if is_told(body.get("error")) or "data" in body or "choices" in body:
        return body.get("error")
    return body if body.get("object") == "error" else body.get("errors") or body.get("detail")


def _verdict(status: int, topic: Topic | None) -> Verdict:
    if topic is Topic.QUOTA and status < 500:
        return Verdict.REFUSED
    if topic is Topic.SIZE and status == 429:
        return Verdict.TEXTS
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Verdict.PASSING if status >= 500 else Verdict.REFUSED


def _code(error: Any) -> int | None:
    found = [error.get("code"), error.get("status")] if isinstance(error, dict) else []
    for value in found:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)  # noqa: PLW2901
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None

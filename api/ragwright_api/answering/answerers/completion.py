"""The one place that reads an answer out of a language model's reply. Pure.

Only a whole, finished, textual answer is an answer: what is cut off or filtered would be cached for
hours, and nobody could tell it from a whole one.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ragwright_api.answering.answerers.reasons import (
    NOT_WHOLE,
    PASSING,
    REFUSED,
    WHOLE,
    told_elsewhere,
    word,
)
from ragwright_api.telemetry.ledger import Cost
from ragwright_core.endpoint.text import sendable

_STRICT = ConfigDict(strict=True, extra="ignore", frozen=True)
# More tokens than this are no count.
_MOST_TOKENS = 10**9
# Letters and symbols that nobody sees: fillers of Hangul, a blank of Braille, and what stands for a
# character that could not be read.
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffd")


class NoAnswerError(Exception):
    """The reply is none of a language model, or its server failed: another try may bring one. The
    message is a noun."""


class NotWholeError(Exception):
    """The model has answered, and this is no whole text. The message is a sentence about it."""


class _Part(BaseModel):
    model_config = _STRICT

    type: Literal["text", "output_text", "thinking", "reasoning"] = "text"
    text: str | None = None


class _Message(BaseModel):
    model_config = _STRICT

    content: str | list[_Part | str] | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class _Choice(BaseModel):
    model_config = _STRICT

    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    model_config = _STRICT

    choices: list[_Choice]


def read_answer(body: Any) -> str:
    """The text of a whole answer. Raises NoAnswerError, NotWholeError."""
    choice = _choice(body)
    reason = word(choice.finish_reason)
    elsewhere = told_elsewhere(*_places(body))
    if {reason, elsewhere} & PASSING:
        raise NoAnswerError("it failed while it wrote")
    text = _text(choice.message)
    for said in (reason, elsewhere):
        if said in NOT_WHOLE:
            raise NotWholeError(NOT_WHOLE[said])
    if choice.message.refusal:
        raise NotWholeError(REFUSED)
    if not any(map(_is_seen, text)):
        raise NotWholeError(_why_nothing(choice.message))
    if reason not in WHOLE:
        raise NotWholeError(
            "its endpoint does not say whether the answer is whole (finish_reason): name another "
            "llm.baseUrl"
        )
    return text


def usage_of(body: Any) -> Cost:
    """One call with the tokens that its reply tells, as far as they are counts."""
    usage = body.get("usage") if isinstance(body, dict) else None
    told = usage if isinstance(usage, dict) else {}
    return Cost(1, _count(told.get("prompt_tokens")), _count(told.get("completion_tokens")))


def _places(body: Any) -> tuple[Any, Any, Any]:
    """The reply, its choice, and the message of that."""
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return body, choice, choice.get("message") if isinstance(choice, dict) else None


def _choice(body: Any) -> _Choice:
    try:
        choices = _Completion.model_validate(body).choices
    except ValidationError as error:
        if any("content" in item["loc"] for item in error.errors(include_input=False)):
            raise NotWholeError("its answer is no text: name another llm.model") from None
        raise NoAnswerError("a reply that is no completion") from None
    if not choices:
        raise NoAnswerError("a reply without a choice")
    return choices[0]


def _text(message: _Message) -> str:
    """The text, or the text of its parts; what the model thought is no part of its answer."""
    content = message.content or ""
    if isinstance(content, str):
        return sendable(content)
    parts = (_Part(text=part) if isinstance(part, str) else part for part in content)
    said = (part.text or "" for part in parts if part.type in ("text", "output_text"))
    return sendable("".join(said))


def _is_seen(character: str) -> bool:
    """Whether it is a letter, a digit or a symbol. Spaces without width, marks and full stops alone
    are no answer."""
    return unicodedata.category(character)[0] in "LNS" and character not in _UNSEEN


def _why_nothing(message: _Message) -> str:
    if message.reasoning_content or message.reasoning:
        return "it wrote down its reasoning and no answer: raise llm.maxTokens"
    return "it wrote nothing: raise llm.maxTokens, or ask another way"


def _count(value: Any) -> int:
    is_count = type(value) is int and 0 <= value <= _MOST_TOKENS
    return value if is_count else 0

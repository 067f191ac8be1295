"""Why a model stopped, in every place where a reply may tell it. Pure.

Gateways write "stop" where the model's own server said that it was cut off, filtered or broken; the
server's words then stand elsewhere. One that tells of an end before the end counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragwright_core.endpoint.failure import is_told

_CUT = "its answer was cut off: raise llm.maxTokens"
_FILTERED = "a content filter stopped its answer: ask another way"
REFUSED = "it refused to answer: ask another way"
_TOOL = "it called a tool instead of answering: name another llm.model"

# By finish_reason. "stop" is OpenAI's word; other servers pass on the words of the model that they
# stand before. A word that is not here may mean anything, and is not taken for whole.
WHOLE = frozenset(
    {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"}
)
NOT_WHOLE = {
    "length": _CUT,
    "limit": _CUT,
    "max_length": _CUT,
    "max_tokens": _CUT,
    "max_output_tokens": _CUT,
    "max_completion_tokens": _CUT,
    "token_limit": _CUT,
    "model_length": _CUT,
    "model_context_window_exceeded": _CUT,
    "incomplete": _CUT,
    "truncated": _CUT,
    "content_filter": _FILTERED,
    "content_filtered": _FILTERED,
    "safety": _FILTERED,
    "recitation": _FILTERED,
    "prohibited_content": _FILTERED,
    "blocklist": _FILTERED,
    "spii": _FILTERED,
    "guardrail_intervened": _FILTERED,
    "refusal": REFUSED,
    "tool_calls": _TOOL,
    "tool_call": _TOOL,
    "tool_use": _TOOL,
    "function_call": _TOOL,
    "malformed_function_call": _TOOL,
}
# The model stopped because its server failed: another try may end well.
PASSING = frozenset(
    {
        "error",
        "failed",
        "abort",
        "aborted",
        "cancelled",
        "in_progress",
        "queued",
        "network_error",
        "insufficient_system_resource",
    }
)
_ELSEWHERE = (
    "native_finish_reason",
    "stop_reason",
    "finish_details",
    "done_reason",
    "stop_type",
    "incomplete_details",
    "status",
)
_FILTERS = (
    "content_filter_results",
    "content_filter_result",
    "prompt_filter_results",
    "safety_ratings",
    "safetyRatings",
)


def word(value: Any) -> str:
    """A reason in the form of the tables: `FinishReason.MAX_TOKENS`, `maxTokens`, `max-tokens`."""
    if isinstance(value, Mapping):
        value = value.get("type") or value.get("reason")
    if not isinstance(value, str):
        return ""
    last = value.strip().rpartition(".")[2] or value
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last)
    return re.sub(r"[\s-]+", "_", parted).lower()


def told_elsewhere(*places: Any) -> str:
    """The worst of what a reply, its choice and its message tell outside finish_reason, or
    nothing."""
    found = [place for place in places if isinstance(place, Mapping)]
    if any(is_told(place.get("error")) for place in found):
        return "error"
    words = [word(place.get(name)) for place in found for name in _ELSEWHERE]
    words += ["content_filter" for place in found if _is_filtered(place)]
    words += ["truncated" for place in found if place.get("truncated") is True]
    words += ["tool_calls" for place in found if _calls(place)]
    passing = [said for said in words if said in PASSING]
    return next(iter([*passing, *(said for said in words if said in NOT_WHOLE)]), "")


def _calls(message: Mapping[str, Any]) -> bool:
    return is_told(message.get("function_call")) or bool(message.get("tool_calls"))


def _is_filtered(place: Mapping[str, Any]) -> bool:
    return any(
        item.get("filtered") is True or item.get("blocked") is True
        for item in _objects([place.get(name) for name in _FILTERS])
    )


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """All objects within, however deep."""
    left = [value]
    while left:
        found = left.pop()
        if isinstance(found, Mapping):
            yield found
            left += found.values()
        elif isinstance(found, list):
            left += found

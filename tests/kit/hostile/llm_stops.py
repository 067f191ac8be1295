"""Where replies of language models tell that a text is none or not whole, beside finish_reason: a
line for each."""

from __future__ import annotations

from typing import Any

from tests.kit.hostile.endpoint import Said
from tests.kit.hostile.llm import completion, not_whole, passing, whole


def chosen(**fields: Any) -> dict[str, Any]:
    """A whole answer, but for what its choice says beside."""
    made = completion()
    made["choices"][0] |= fields
    return made


TABLE = [
    # Finished, as one field says, and not, as another one does.
    *(
        not_whole(f"stopped by {words}", chosen(**words), "raise llm.maxTokens")
        for words in (
            {"native_finish_reason": "MAX_TOKENS"},
            {"native_finish_reason": "FinishReason.MAX_TOKENS"},
            {"finish_details": {"type": "max_tokens"}},
            {"stop_reason": "maxTokens"},
        )
    ),
    not_whole("incomplete", completion(status="incomplete"), "raise llm.maxTokens"),
    not_whole(
        "incomplete because of a filter",
        completion(status="incomplete", incomplete_details={"reason": "content_filter"}),
        "content filter",
    ),
    not_whole("filtered natively", chosen(native_finish_reason="SAFETY"), "content filter"),
    *(
        not_whole(f"filtered beside {name}", made, "content filter")
        for name, made in {
            "stop": chosen(content_filter_results={"hate": {"filtered": True}}),
            "lists": chosen(content_filter_results={"custom": {"x": [{"filtered": True}]}}),
            "the choice": completion(content_filter_results={"sexual": {"filtered": True}}),
            "the prompt": completion(
                prompt_filter_results=[{"content_filter_results": {"hate": {"filtered": True}}}]
            ),
            "ratings": chosen(safety_ratings=[{"category": "HARM", "blocked": True}]),
        }.items()
    ),
    whole(
        "looked at by a filter",
        chosen(content_filter_results={"hate": {"filtered": False, "severity": "safe"}}),
    ),
    not_whole("a tool beside text", completion(message={"tool_calls": [{"id": "1"}]}), "a tool"),
    not_whole("a function", completion(message={"function_call": {"name": "f"}}), "a tool"),
    not_whole("arguments", completion(message={"function_call": {"arguments": "{}"}}), "a tool"),
    whole("no tool", completion(message={"tool_calls": [], "function_call": None})),
    whole("a tool without a name", completion(message={"function_call": {"name": ""}})),
    *(
        passing(f"an error in the choice: {words}", Said(made), "failed while it wrote", (10, 5))
        for words, made in {
            "beside text": chosen(error={"code": 502, "message": "Provider disconnected"}),
            "in words": chosen(error="overloaded", finish_reason=None),
            "natively": chosen(native_finish_reason="error"),
            "status": completion(status="failed"),
        }.items()
    ),
    whole("no error", chosen(error=None, native_finish_reason="STOP", stop_reason=None)),
    whole("an empty error", chosen(error={"code": None, "message": ""})),
    # No text.
    *(
        not_whole(f"only {[hex(ord(c)) for c in unseen]}", completion(unseen), "wrote nothing")
        for unseen in ("\u200b", "\ufeff \n", "\u2060\u00ad", "\u3164", "\u2800", "\u0301", "...")
    ),
    whole("in a script without spaces", completion("\u200b十四天"), text="\u200b十四天"),
]

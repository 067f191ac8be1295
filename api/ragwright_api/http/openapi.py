"""What OpenAPI tells of the replies other than 200."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

Responses = dict[int | str, dict[str, Any]]


class Refusal(BaseModel):
    error: str = Field(description="A word for programs.")
    message: str = Field(description="A sentence for people: the cause, then what to do next.")


_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to ask again, where that can help.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_MEANING = {
    400: "This is no HTTP, or a body that cannot be read (`invalid_request`).",
    401: "The signature is missing, wrong or old (`unsigned`).",
    403: "A page of another site may not do this (`forbidden`).",
    404: "No source of this name has a webhook (`no_webhook`).",
    408: "The request did not arrive in time (`too_slow`).",
    413: "The body is too large (`too_large`).",
    415: "This takes no form (`unsupported_type`).",
    422: "The body does not fit (`invalid_request`).",
    429: "Too many questions at once (`too_busy`), or too often (`too_often`).",
    431: "The request line and its headers are too large (`head_too_large`).",
    499: "The caller has hung up (`caller_gone`). Nobody reads this.",
    500: "A fault of the service; its log has the request's id (`internal`).",
    502: "The language model refused (`llm_refused`).",
    503: (
        "`database_unavailable`, `no_index`, `index_changing`, `llm_unavailable` or "
        "`embedding_unavailable`. Of webhooks also `secret_missing` and `not_prepared`."
    ),
}
# What can come from any route.
_ALWAYS = (400, 408, 413, 429, 431, 500, 503)


def refusals(*others: int) -> Responses:
    """The replies other than 200 of a route."""
    return {status: _described(status) for status in sorted((*_ALWAYS, *others))}


def _described(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {"model": Refusal, "description": _MEANING[status]}
    return told | ({"headers": _RETRY_AFTER} if status in (429, 503) else {})

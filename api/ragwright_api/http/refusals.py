"""Every reply other than 200: it has a word for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ragwright_api.http.requests import what_is_wrong
from ragwright_api.telemetry.metrics import Metrics
from ragwright_api.unanswered import UnansweredError

Refused = UnansweredError | RequestValidationError | HTTPException
REFUSED = (UnansweredError, RequestValidationError, HTTPException)
_REASONS = {
    403: "forbidden",
    404: "not_found",
    405: "not_allowed",
    413: "too_large",
    415: "unsupported_type",
}


def refusal(
    status: int,
    reason: str,
    message: str,
    retry_after: int | None = None,
    others: Mapping[str, str] | None = None,
) -> JSONResponse:
    """`others` are headers that the status asks for, such as Allow."""
    headers = {**(others or {}), **({"Retry-After": str(retry_after)} if retry_after else {})}
    return JSONResponse({"error": reason, "message": message}, status, headers)


@dataclass(frozen=True)
class Refusals:
    """Turns errors into replies, and counts and logs each of them."""

    metrics: Metrics
    log: Any

    def reply(self, request: Request, error: Refused) -> Response:
        others = error.headers if isinstance(error, HTTPException) else None
        match error:
            case UnansweredError():
                told = error.status, error.reason, str(error), error.retry_after
            case RequestValidationError():
                told = 422, "invalid_request", what_is_wrong(request.url.path, error), None
            case HTTPException(status_code=status):
                told = status, _REASONS.get(status, "invalid_request"), str(error.detail), None
        status, reason, _, _ = told
        self.metrics.error(reason, status)
        self.log.warning("refused", reason=reason, request=request.headers.get("x-request-id"))
        return refusal(*told, others)

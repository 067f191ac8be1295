"""The public port: the seed's contract (design section 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from starlette.types import ASGIApp, Receive, Scope, Send

from ragwright_api.answerers.base import LlmUnavailableError
from ragwright_api.database import UNAVAILABLE, Database
from ragwright_api.lease import LEASE_SECONDS, LeaseUnavailableError
from ragwright_api.service import NoVersionError, Question, Service, VersionGoneError
from ragwright_core.embedding import EmbeddingRejectedError, EmbeddingUnavailableError

MAX_BODY_BYTES = 64 * 1024
Scalar = str | int | float | bool | None


class QueryRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
    filters: dict[str, Scalar] = Field(default={}, max_length=20)
    use_cache: StrictBool = True


class QueryResponse(BaseModel):
    answer: str
    sources: list[str]
    from_cache: bool
    latency_ms: float


class HeadTime:
    """Notes when a request's head was read, and refuses bodies that are announced as too large."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["head_at"] = self._clock()
            length = dict(scope["headers"]).get(b"content-length", b"0")
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                message = f"the body may have at most {MAX_BODY_BYTES} bytes"
                await _error(413, "too_large", message)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def create_app(service: Service, database: Database) -> FastAPI:
    """The public application; its owner opens and closes what it was given."""
    app = FastAPI(title="Ragwright", docs_url="/docs", redoc_url=None)
    app.add_middleware(HeadTime, clock=service.clock)
    _add_routes(app, service, database)
    _add_errors(app, service)
    return app


def _add_routes(app: FastAPI, service: Service, database: Database) -> None:
    @app.post("/api/rag/query", response_model=QueryResponse)
    async def query(body: QueryRequest, request: Request) -> Response:
        service.metrics.queries.inc()
        with service.metrics.query_seconds.time():
            reply = await service.ask(
                Question(body.question, dict(body.filters), body.use_cache, request.state.head_at)
            )
        headers = {
            "X-Ragwright-Version": str(reply.version.number),
            "X-Ragwright-Term": str(reply.term),
        }
        return Response(reply.body, media_type="application/json", headers=headers)

    @app.post("/api/rag/invalidate-cache")
    async def invalidate_cache() -> dict[str, str]:
        await database.raise_epoch()
        service.reader.forget()
        # Other replicas may believe the old epoch for one lease: then none of them does.
        await asyncio.sleep(LEASE_SECONDS)
        return {"status": "cache invalidated"}


Handler = Callable[[Request, Exception], Awaitable[Response]]


def _add_errors(app: FastAPI, service: Service) -> None:
    log = structlog.get_logger()

    def answer(status: int, reason: str, message: Callable[[Exception], str]) -> Handler:
        async def handler(_: Request, error: Exception) -> Response:
            service.metrics.error(reason)
            log.warning("not answered", reason=reason, kind=type(error).__name__)
            return _error(status, reason, message(error))

        return handler

    database = answer(
        503, "database_unavailable", lambda _: "the database does not answer; try again shortly"
    )
    for kind in (LeaseUnavailableError, *UNAVAILABLE):
        app.add_exception_handler(kind, database)
    app.add_exception_handler(
        NoVersionError,
        answer(
            503,
            "no_index",
            lambda _: "no index version is live yet; see how far it is with: kubectl get rag",
        ),
    )
    app.add_exception_handler(
        VersionGoneError,
        answer(503, "index_changing", lambda _: "the index changed too often; try again"),
    )
    embedding = answer(503, "embedding_unavailable", str)
    app.add_exception_handler(EmbeddingUnavailableError, embedding)
    app.add_exception_handler(EmbeddingRejectedError, embedding)
    app.add_exception_handler(LlmUnavailableError, answer(503, "llm_unavailable", str))
    app.add_exception_handler(
        RequestValidationError, answer(422, "invalid_request", _what_is_wrong)
    )


def _what_is_wrong(error: Exception) -> str:
    """Where and what, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    found: list[Any] = list(error.errors())
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'][1:]) or 'body'}: {item['msg']}"
        for item in found[:5]
    )


def _error(status: int, reason: str, message: str) -> JSONResponse:
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONResponse({"error": reason, "message": message}, status, headers)

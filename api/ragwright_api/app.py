"""The public port: the seed's contract (design section 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ragwright_api.background import Background
from ragwright_api.bodies import (
    QueryRequest,
    QueryResponse,
    RetrieveRequest,
    RetrieveResponse,
    what_is_wrong,
)
from ragwright_api.errors import CallerGoneError, UnansweredError
from ragwright_api.front import Front, refusal
from ragwright_api.hot import BUDGET, HotAnswers
from ragwright_api.invalidate import Invalidation
from ragwright_api.metrics import Metrics
from ragwright_api.replies import Chunks, Question, Reply
from ragwright_api.retrieval import Wanted
from ragwright_api.service import Service
from ragwright_core.cachekeys import normalize_question

Result = TypeVar("Result")


def create_app(
    service: Service, invalidate: Invalidation, draining: Callable[[], bool], log: Any
) -> ASGIApp:
    """The public application; its owner opens and closes what it was given."""
    app = FastAPI(title="Ragwright", redoc_url=None)
    app.add_middleware(
        Front,
        clock=service.clock,
        draining=draining,
        log=log,
        on_fault=lambda: service.metrics.error("internal", 500),
    )
    _add_routes(app, service, invalidate)
    _add_refusals(app, service.metrics)
    # Around FastAPI and not in it: what FastAPI does before its first middleware costs a cached
    # answer a quarter more.
    return HotAnswers(app, service, draining)


def _add_routes(app: FastAPI, service: Service, invalidate: Invalidation) -> None:
    background = Background()

    @app.post("/api/rag/query", response_model=QueryResponse)
    async def query(body: QueryRequest, request: Request) -> Response:
        service.metrics.queries.inc()
        question = Question(
            body.question,
            body.filters,
            body.use_cache,
            request.state.head_at,
            await request.body(),
            budget=request.scope.get(BUDGET),
        )
        with service.metrics.query_seconds.time():
            reply = await _unless_gone(background, request, service.ask(question))
        return _response(reply, BackgroundTask(service.remember, question, reply))

    own = service.searching

    @app.post("/api/rag/retrieve", response_model=RetrieveResponse)
    async def retrieve(body: RetrieveRequest, request: Request) -> Response:
        service.metrics.queries.inc()
        limit = own.top_k if body.top_k is None else body.top_k
        threshold = own.score_threshold if body.score_threshold is None else body.score_threshold
        wanted = Wanted(normalize_question(body.question), body.filters, limit, threshold)
        work = service.find(wanted, request.state.head_at)
        return _response(await _unless_gone(background, request, work))

    @app.post("/api/rag/invalidate-cache")
    async def invalidate_cache() -> dict[str, str]:
        await invalidate()
        return {"status": "cache invalidated"}


def _response(reply: Reply | Chunks, later: BackgroundTask | None = None) -> Response:
    parts = (f"{name};dur={seconds * 1000:.1f}" for name, seconds in reply.seconds.items())
    headers = {**dict(reply.headers), "Server-Timing": ", ".join(parts)}
    return Response(reply.body, 200, headers, "application/json", later)


async def _unless_gone(
    background: Background, request: Request, work: Coroutine[Any, Any, Result]
) -> Result:
    """The result of `work`, which ends when the caller hangs up. Raises CallerGoneError then."""
    task, gone = background.start(work), background.start(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise CallerGoneError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _add_refusals(app: FastAPI, metrics: Metrics) -> None:
    def refused(
        request: Request, status: int, reason: str, message: str, retry_after: int | None = None
    ) -> Response:
        metrics.error(reason, status)
        request.state.log.warning("refused", reason=reason)
        return refusal(status, reason, message, retry_after)

    @app.exception_handler(UnansweredError)
    async def unanswered(request: Request, error: UnansweredError) -> Response:
        return refused(request, error.status, error.reason, str(error), error.retry_after)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return refused(request, 422, "invalid_request", what_is_wrong(request.url.path, error))

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        reason = {404: "not_found", 405: "not_allowed", 413: "too_large"}.get(
            error.status_code, "invalid_request"
        )
        return refused(request, error.status_code, reason, str(error.detail))

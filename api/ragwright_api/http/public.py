"""The public port."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ragwright_api.http import routes
from ragwright_api.http.openapi import refusals
from ragwright_api.http.ports import Public
from ragwright_api.http.query import QueryRoute
from ragwright_api.http.refusals import REFUSED, Refusals
from ragwright_api.http.request_log import RequestLog
from ragwright_api.http.requests import QueryRequest, RetrieveRequest
from ragwright_api.http.responses import (
    InvalidateResponse,
    QueryResponse,
    RetrieveResponse,
    response_of,
)
from ragwright_api.http.strangers import refuse_other_sites, shows_token
from ragwright_api.http.wire.bodies import Bounded
from ragwright_api.http.wire.caller import unless_gone
from ragwright_api.tasks.background import Background


def create_app(public: Public, log: Any) -> ASGIApp:
    """The application. The owner of its parts opens and closes them."""
    refusals = Refusals(public.metrics, log)
    logged = partial(
        RequestLog,
        draining=public.draining,
        log=log,
        on_fault=lambda: public.metrics.error("internal", 500),
    )
    # No page that shows it: FastAPI's load scripts from elsewhere.
    app = FastAPI(title="Ragwright", docs_url=None, redoc_url=None)
    app.add_middleware(Bounded)
    app.add_middleware(logged)
    _describe_query(app)
    _add_routes(app, public)
    _add_refusals(app, refusals)
    query = QueryRoute(public, refusals, logged)

    async def by_route(scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["path"] == routes.QUERY
        await (query if asks and scope["method"] == "POST" else app)(scope, receive, send)

    return by_route


def _describe_query(app: FastAPI) -> None:
    # FastAPI needs this to describe the route and to refuse other methods. QueryRoute answers it.
    @app.post(routes.QUERY, response_model=QueryResponse, responses=refusals(422, 499, 502))
    async def query(body: QueryRequest) -> Response:
        raise AssertionError(f"{type(body).__name__} came past QueryRoute")


def _add_routes(app: FastAPI, public: Public) -> None:
    background = Background()

    @app.post(routes.RETRIEVE, response_model=RetrieveResponse, responses=refusals(422, 499))
    async def retrieve(body: RetrieveRequest, request: Request) -> Response:
        public.metrics.queries.inc()
        work = public.search.find(body.asked(public.own), public.clock())
        return response_of(await unless_gone(background, request.receive, work))

    @app.post(routes.INVALIDATE, responses=refusals(403, 415))
    async def invalidate_cache(request: Request) -> InvalidateResponse:
        refuse_other_sites(request.headers)
        if shows_token(request.headers, public.token):
            await public.invalidate()
        else:
            await public.invalidate.for_a_stranger()
        return InvalidateResponse(status="cache invalidated")


def _add_refusals(app: FastAPI, refusals: Refusals) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, REFUSED)
        return refusals.reply(request, error)

    for kind in REFUSED:
        app.add_exception_handler(kind, refused)

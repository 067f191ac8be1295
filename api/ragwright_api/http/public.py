"""The public port."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ragwright_api.http import routes
from ragwright_api.http.direct.query import QueryRoute
from ragwright_api.http.direct.webhooks import WebhookRoute
from ragwright_api.http.openapi import refusals
from ragwright_api.http.ports import Public
from ragwright_api.http.refusals import REFUSED, Refusals
from ragwright_api.http.request_log import RequestLog
from ragwright_api.http.requests import QueryRequest, RetrieveRequest
from ragwright_api.http.responses import (
    InvalidateResponse,
    QueryResponse,
    RetrieveResponse,
    WebhookResponse,
    response_of,
)
from ragwright_api.http.strangers import refuse_other_sites, shows_token
from ragwright_api.http.wire.bodies import Bounded
from ragwright_api.http.wire.caller import unless_gone
from ragwright_api.tasks.background import Background

# FastAPI would add a reply of 422 for a parameter of its own.
_SOURCE = {"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}


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
    _describe_direct(app)
    _add_routes(app, public)
    _add_refusals(app, refusals)
    query = QueryRoute(public, refusals, logged)
    webhook = WebhookRoute(public.webhooks, refusals, logged)

    async def by_route(scope: Scope, receive: Receive, send: Send) -> None:
        route: ASGIApp = app
        if scope["type"] == "http" and scope["method"] == "POST":
            if scope["path"] == routes.QUERY:
                route = query
            elif scope["path"].startswith(routes.WEBHOOKS):
                route = webhook
        await route(scope, receive, send)

    return by_route


def _describe_direct(app: FastAPI) -> None:
    # FastAPI needs these to describe the routes and to refuse other methods. Others answer them.
    @app.post(routes.QUERY, response_model=QueryResponse, responses=refusals(422, 499, 502))
    async def query(body: QueryRequest) -> Response:
        raise AssertionError(f"{type(body).__name__} came past QueryRoute")

    @app.post(
        routes.WEBHOOKS + "{source}",
        response_model=WebhookResponse,
        responses={202: {"model": WebhookResponse}, **refusals(401, 404, 499)},
        openapi_extra={"parameters": [_SOURCE]},
    )
    async def webhook(request: Request) -> Response:
        raise AssertionError(f"{request.url.path} came past WebhookRoute")


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

"""The internal port: read-only, for the kubelet, the operator and Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ragwright_api.database import UNAVAILABLE, Database


def create_internal_app(
    database: Database, registry: CollectorRegistry, not_ready: Callable[[], str | None]
) -> FastAPI:
    """`not_ready` says in words what readiness still waits for."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/livez")
    async def livez() -> Response:
        return Response("ok")

    @app.get("/readyz")
    async def readyz() -> Response:
        waiting = not_ready()
        return Response(waiting or "ok", 503 if waiting else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/index")
    async def index() -> Response:
        try:
            summary = await database.summary()
        except UNAVAILABLE:
            return Response("the database does not answer", 503)
        return Response(summary.model_dump_json(), media_type="application/json")

    return app

"""The internal port: read-only, for the kubelet, the operator and Prometheus."""

from __future__ import annotations

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ragwright_api.database import Database
from ragwright_api.drift import Drift
from ragwright_api.errors import DatabaseUnavailableError
from ragwright_api.front import refusal
from ragwright_api.readiness import Readiness


def create_internal_app(
    database: Database, registry: CollectorRegistry, readiness: Readiness, drift: Drift
) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/livez")
    async def livez() -> Response:
        return Response("ok")

    @app.get("/readyz")
    async def readyz() -> Response:
        problem = readiness.problem()
        lines = [problem or "ok", readiness.note()]
        return Response("\n".join(line for line in lines if line), 503 if problem else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/index")
    async def index() -> Response:
        try:
            summary = await database.summary()
        except DatabaseUnavailableError as error:
            return refusal(error.status, error.reason, str(error), error.retry_after)
        summary = summary.model_copy(update={"embedding_cosine": drift.cosine})
        return Response(summary.model_dump_json(), media_type="application/json")

    return app

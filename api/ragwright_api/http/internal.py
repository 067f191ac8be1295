"""The internal port: read-only, for the kubelet, the operator and Prometheus."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ragwright_api.http import routes
from ragwright_api.http.ports import Internal
from ragwright_api.http.refusals import refusal
from ragwright_api.http.wire.caller import unless_gone
from ragwright_api.index.pushes import tag
from ragwright_api.tasks.background import Background
from ragwright_api.unanswered import CallerGoneError, DatabaseUnavailableError


def create_internal_app(internal: Internal) -> FastAPI:
    background = Background()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(routes.LIVEZ)
    async def livez() -> Response:
        return Response("ok")

    @app.get(routes.READYZ)
    async def readyz() -> Response:
        problem = internal.readiness.problem()
        lines = [problem or "ok", internal.readiness.note()]
        return Response("\n".join(line for line in lines if line), 503 if problem else 200)

    @app.get(routes.METRICS)
    async def metrics() -> Response:
        return Response(generate_latest(internal.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get(routes.INDEX)
    async def index(request: Request, after: str | None = None) -> Response:
        """With `after`, the tag of an earlier reply, this waits up to a minute for a push."""
        try:
            if after is not None:
                await unless_gone(background, request.receive, internal.pushes.wait(after))
            summary = await internal.database.summary()
        except (DatabaseUnavailableError, CallerGoneError) as error:
            return refusal(error.status, error.reason, str(error), error.retry_after)
        own = {"pipeline": internal.uid, "embedding_cosine": internal.drift.cosine}
        summary = summary.model_copy(update=own)
        headers = {"etag": tag(summary.pushes)}
        return Response(summary.model_dump_json(), media_type="application/json", headers=headers)

    return app

"""`ragwright-operator`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from datetime import UTC, datetime

import aiohttp
import structlog
from prometheus_client import start_http_server

from ragwright_core.names import PipelineName
from ragwright_core.report import IndexSummary
from ragwright_operator.caring import Caretaker
from ragwright_operator.effects.execute import AfterStep, nothing
from ragwright_operator.effects.index import AskOver, ask_index
from ragwright_operator.effects.kube import connect
from ragwright_operator.effects.watch import children_watches
from ragwright_operator.handlers import Handlers, cancelled, operate
from ragwright_operator.liveness import Liveness
from ragwright_operator.metrics import make_metrics
from ragwright_operator.pipelines import Pipelines
from ragwright_operator.reconcile import Reconciler
from ragwright_operator.settings import Settings, SettingsError, read_settings

_DESCRIPTION = """\
Keeps every RagPipeline's API, cache and index. Told by environment:
  RAGWRIGHT_IMAGE              image of the API and the Jobs (required)
  RAGWRIGHT_IMAGE_PULL_POLICY  Always, IfNotPresent (default) or Never
  RAGWRIGHT_POSTGRES_IMAGE     image of managed Postgres, with pgvector
  RAGWRIGHT_REDIS_IMAGE        image of managed Redis or Valkey
  RAGWRIGHT_WATCH_NAMESPACES   comma-separated; empty: all
  RAGWRIGHT_RESYNC_SECONDS     look again at least this often (default 30)
  RAGWRIGHT_LOG_LEVEL          DEBUG, INFO (default), WARNING or ERROR
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="ragwright-operator",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # In a pod, the kubelet and Prometheus come from outside.
    parser.add_argument("--host", default="0.0.0.0", help="default: all interfaces")  # noqa: S104
    parser.add_argument("--liveness-port", type=int, default=8080)
    parser.add_argument("--metrics-port", type=int, default=9090)
    options = parser.parse_args()
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.exit(f"ragwright-operator: {error}")
    live = f"http://{options.host}:{options.liveness_port}/healthz"
    asyncio.run(serve(settings, live, (options.host, options.metrics_port)))


async def serve(
    settings: Settings,
    live: str,
    metrics_at: tuple[str, int],
    after_step: AfterStep = nothing,
    ask_over: AskOver = ask_index,
) -> None:
    """Run until told to stop; `after_step` is called after each step of each plan. Outside the
    cluster a pipeline's address has no meaning: `ask_over` may go another way."""
    configure_logs(settings.log_level)
    metrics, pipelines = make_metrics(), Pipelines()
    start_http_server(metrics_at[1], metrics_at[0], metrics.registry)
    async with connect() as kube, aiohttp.ClientSession() as session:

        async def ask(names: PipelineName) -> IndexSummary | None:
            return await ask_over(session, names)

        children = children_watches(kube, settings.namespaces, pipelines.wake)
        reconciler = Reconciler(
            kube=kube,
            cluster=await kube.cluster_id(),
            images=settings.images,
            read_children=children.of,
            ask_index=ask,
            metrics=metrics,
            now=lambda: datetime.now(UTC),
            after_step=after_step,
        )
        watching = [
            asyncio.create_task(watch.run(), name=f"watch of {watch.kind}")
            for watch in children.watches
        ]
        caretaker = Caretaker(reconciler, pipelines, metrics, settings.resync_seconds)
        handlers = Handlers(caretaker, children.listed, Liveness(children, watching).dead)
        try:
            await operate(handlers.registry(), settings.namespaces, live)
        finally:
            await cancelled(watching)


def configure_logs(level: str) -> None:
    """JSON lines on stderr; libraries are heard only from WARNING."""
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=number, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("kopf", "aiohttp.access"):
        logging.getLogger(talkative).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    main()

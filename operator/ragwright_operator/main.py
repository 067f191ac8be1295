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

from ragwright_core.names import Identity, PipelineName
from ragwright_core.report import IndexSummary
from ragwright_operator.effects.children import children_watches
from ragwright_operator.effects.connect import connect
from ragwright_operator.effects.documents import documents_watches
from ragwright_operator.effects.execute import AfterStep, nothing
from ragwright_operator.effects.index import (
    Address,
    ask_at,
    hear_at,
    is_of,
    within_the_cluster,
)
from ragwright_operator.effects.leases import Leases, by_nobody
from ragwright_operator.effects.observe import Readers
from ragwright_operator.effects.watch import listed
from ragwright_operator.running.handlers import Handlers, cancelled, operate
from ragwright_operator.running.listening import Listening
from ragwright_operator.running.liveness import Liveness
from ragwright_operator.running.reconcile import Reconciler
from ragwright_operator.running.registry import Registry
from ragwright_operator.running.rounds import Rounds
from ragwright_operator.settings import Settings, SettingsError, Site, read_settings
from ragwright_operator.telemetry.metrics import make_metrics
from ragwright_operator.telemetry.strangers import Strangers

_DESCRIPTION = """\
Keeps every RagPipeline's API, cache and index. Told by environment:
  RAGWRIGHT_IMAGE              image of the API and the Jobs (required)
  RAGWRIGHT_IMAGE_PULL_POLICY  Always, IfNotPresent (default) or Never
  RAGWRIGHT_POSTGRES_IMAGE     image of managed Postgres, with pgvector (required)
  RAGWRIGHT_REDIS_IMAGE        image of managed Redis or Valkey (required)
  RAGWRIGHT_ASSIGN_UIDS        false: the platform gives pods their uids (default true)
  RAGWRIGHT_WATCH_NAMESPACES   comma-separated; empty: all
  RAGWRIGHT_RESYNC_SECONDS     look again at least this often (default 30)
  RAGWRIGHT_OPERATOR_ID        name of this installation: of two, one works in a namespace
  RAGWRIGHT_LOG_LEVEL          DEBUG, INFO (default), WARNING or ERROR
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="ragwright-operator",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # The kubelet and Prometheus connect from outside the pod.
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
    address: Address = within_the_cluster,
) -> None:
    """Run until a signal stops the process. `after_step` is called after each step of each plan.
    `address` can be replaced outside the cluster, where a pipeline's own cannot be reached."""
    configure_logs(settings.log_level)
    metrics, registry, strangers = make_metrics(), Registry(), Strangers()
    start_http_server(metrics_at[1], metrics_at[0], metrics.registry)
    async with (
        connect() as kube,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0)  # a hundred hanging APIs keep no other waiting
        ) as session,
    ):

        async def ask(pipeline: Identity) -> IndexSummary | None:
            said = await ask_at(session, address(pipeline.names))
            if said is None or not is_of(said, pipeline):
                return None
            summary, unknown = said
            strangers.tell(pipeline.names, "/index", unknown)
            return summary

        async def hear(pipeline: PipelineName, after: str) -> str | None:
            return await hear_at(session, address(pipeline), after)

        def now() -> datetime:
            return datetime.now(UTC)

        name = settings.operator_id
        held_by_other = Leases(kube, name, now).held_by_other if name else by_nobody
        children = children_watches(kube, settings.namespaces, registry.wake)
        documents = documents_watches(kube, settings.namespaces, registry.wake_readers)
        watches = (*children.watches, *documents.watches)
        reconciler = Reconciler(
            kube=kube,
            site=Site(await kube.cluster_id(), settings.images, settings.allowed_hosts),
            readers=Readers(children.of, documents.seen, documents.read, ask),
            metrics=metrics,
            now=now,
            strangers=strangers,
            after_step=after_step,
            held_by_other=held_by_other,
        )
        watching = [
            asyncio.create_task(watch.run(), name=f"watch of {watch.kind}") for watch in watches
        ]
        listening = Listening(hear, registry.wake)
        rounds = Rounds(
            reconciler, registry, metrics, settings.resync_seconds, listen=listening.listen
        )
        handlers = Handlers(rounds, lambda: listed(watches), Liveness(watches, watching).dead)
        try:
            await operate(handlers.registry(), settings.namespaces, live)
        finally:
            await cancelled(watching)
            await listening.close()


def configure_logs(level: str) -> None:
    """JSON lines on stderr; messages of libraries are shown only from WARNING."""
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

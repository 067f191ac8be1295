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
from ragwright_core.spec import GROUP, PLURAL
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
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.leases import Leases, by_nobody, lasting
from ragwright_operator.effects.observe import Readers
from ragwright_operator.effects.watch import listed
from ragwright_operator.running.check import Check, CheckFailedError
from ragwright_operator.running.handlers import Handlers, cancelled, operate
from ragwright_operator.running.leave import Leaving, StillHeldError
from ragwright_operator.running.listening import Listening
from ragwright_operator.running.liveness import Liveness
from ragwright_operator.running.reconcile import Reconciler
from ragwright_operator.running.registry import Registry
from ragwright_operator.running.rounds import Rounds
from ragwright_operator.settings import (
    Departure,
    Settings,
    SettingsError,
    read_departure,
    read_settings,
    site_of,
)
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
  RAGWRIGHT_ALLOWED_HOSTS      what pipelines may contact, comma-separated; empty: every host
  RAGWRIGHT_ALLOWED_IMAGES, RAGWRIGHT_ALLOWED_POD_ANNOTATIONS
                               what their authors may name, with * for any characters
  RAGWRIGHT_POD_TEMPLATE       JSON for the pods of all pipelines
  RAGWRIGHT_CA_FILE            authorities (PEM) that pipelines trust beside the public ones
  RAGWRIGHT_HTTPS_PROXY, RAGWRIGHT_HTTP_PROXY, RAGWRIGHT_NO_PROXY
                               by which pipelines contact endpoints and git
  RAGWRIGHT_RESYNC_SECONDS     look again at least this often (default 30)
  RAGWRIGHT_OPERATOR_ID        its Deployment, as namespace/name: of two, one works in a namespace
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
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser(
        "let-go",
        help="before an uninstall: stop this operator, and take its finalizer off every pipeline",
    )
    checking = commands.add_parser("check", help="whether the CRD is served, an operator answers")
    checking.add_argument("metrics", metavar="URL", help="of the operator's metrics")
    try:
        asyncio.run(_asked(parser.parse_args()))
    except (SettingsError, StillHeldError, CheckFailedError, KubeError) as error:
        sys.exit(f"ragwright-operator: {error}")


async def _asked(options: argparse.Namespace) -> None:
    if options.command == "let-go":
        await leave(read_departure(os.environ))
    elif options.command == "check":
        await check(options.metrics)
    else:
        live = f"http://{options.host}:{options.liveness_port}/healthz"
        await serve(read_settings(os.environ), live, (options.host, options.metrics_port))


async def check(metrics: str) -> None:
    async with connect() as kube, aiohttp.ClientSession() as session:
        await Check(kube, session, metrics).run()
    sys.stdout.write(f"{PLURAL}.{GROUP} is served, and an operator answers at {metrics}\n")


async def leave(departure: Departure) -> None:
    configure_logs(departure.log_level)
    async with connect() as kube:
        await Leaving(kube, departure.deployment, departure.namespaces, _now).run()


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

        name = settings.operator_id
        leases = Leases(kube, name, _now, lasting(settings.resync_seconds))
        held_by_other = leases.held_by_other if name else by_nobody
        children = children_watches(kube, settings.namespaces, registry.wake)
        documents = documents_watches(kube, settings.namespaces, registry.wake_readers)
        watches = (*children.watches, *documents.watches)
        reconciler = Reconciler(
            kube=kube,
            site=site_of(await kube.cluster_id(), settings),
            readers=Readers(children.of, documents.seen, documents.read, ask),
            metrics=metrics,
            now=_now,
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


def _now() -> datetime:
    return datetime.now(UTC)


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

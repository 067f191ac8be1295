"""`ragwright-api`: the public and the internal port in one process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from ragwright_api.http.internal import create_internal_app
from ragwright_api.http.public import create_app
from ragwright_api.http.readiness import Readiness
from ragwright_api.http.wire.protocol import BoundedProtocol, Refused
from ragwright_api.settings import Settings, read_settings
from ragwright_api.telemetry.logs import make_log, take_over_libraries
from ragwright_api.wiring import runtime
from ragwright_core.contract import (
    API_PORT,
    CACHE_URL_ENV,
    CACHE_URL_FILE_ENV,
    DATABASE_URL_ENV,
    DATABASE_URL_FILE_ENV,
    DRAIN_SECONDS,
    INTERNAL_DRAIN_SECONDS,
    INTERNAL_PORT,
    LINGER_SECONDS,
    SETTINGS_FILE,
    SETTINGS_FILE_ENV,
)
from ragwright_core.network import Network, trusting

# Longer than clients and load balancers keep a connection, so that no request comes on one that we
# are just closing.
KEEP_ALIVE_SECONDS = 75

_DESCRIPTION = f"""\
Answers questions from the live index version. Settings stand in {SETTINGS_FILE}
(or the file in {SETTINGS_FILE_ENV}); stores are named by {DATABASE_URL_ENV} and
{CACHE_URL_ENV}, or by files in {DATABASE_URL_FILE_ENV} and {CACHE_URL_FILE_ENV}.
"""


@dataclass(frozen=True)
class Options:
    """Command line."""

    host: str
    port: int
    internal_port: int
    linger: float


class Server(uvicorn.Server):
    """A server that leaves signals to `serve`, which stops both together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: ASGIApp, host: str, port: int, drain_seconds: int, on_refused: Refused) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=partial(BoundedProtocol, on_refused=on_refused),  # type: ignore[arg-type]
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=drain_seconds,
        )
    )


def _servers(
    app: ASGIApp, internal: ASGIApp, options: Options, on_refused: Refused
) -> tuple[Server, Server]:
    """The public server, and the internal server, which ends after the public one."""
    return (
        _server(app, options.host, options.port, DRAIN_SECONDS, on_refused),
        _server(internal, options.host, options.internal_port, INTERNAL_DRAIN_SECONDS, on_refused),
    )


async def serve(settings: Settings, options: Options, network: Network | None) -> None:
    """Serve until SIGTERM or SIGINT, then finish the questions that have begun."""
    log = make_log(sys.stdout)
    if settings.ignored:
        log.warning("fields of another release", of="settings", fields=settings.ignored)
    async with runtime(settings, log, network=network) as running:
        app, inner = create_app(running.public, log), create_internal_app(running.internal)
        public, internal = _servers(app, inner, options, running.public.metrics.error)
        _stop_on_signals(public, running.readiness, options.linger)
        internal_task = asyncio.create_task(internal.serve())
        await public.serve()
        internal.should_exit = True
        await internal_task
        log.info("stopped")


def _stop_on_signals(public: Server, readiness: Readiness, linger: float) -> None:
    """After a signal, readiness goes off at once, and new questions are answered for `linger` s
    more, because it takes a while until every node knows. A second signal ends this."""
    loop = asyncio.get_running_loop()

    def leave() -> None:
        public.should_exit = True

    def stop() -> None:
        if readiness.stopping:
            leave()
        readiness.stop()
        loop.call_later(linger, leave)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="ragwright-api",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # All interfaces, because the Service and the kubelet connect from outside the pod.
    parser.add_argument("--host", default="0.0.0.0", help="default: all interfaces")  # noqa: S104
    parser.add_argument("--port", type=int, default=API_PORT, help="default: %(default)s")
    parser.add_argument(
        "--internal-port", type=int, default=INTERNAL_PORT, help="default: %(default)s"
    )
    parser.add_argument(
        "--linger",
        type=float,
        default=LINGER_SECONDS,
        metavar="SECONDS",
        help="how long new questions are still answered after SIGTERM; default: %(default)s",
    )
    return Options(**vars(parser.parse_args()))


def main(*, network: Network | None = None) -> None:
    """The program. `network` is another way to reach endpoints, for tests."""
    options = _options()
    take_over_libraries()
    settings = read_settings(os.environ)
    with (
        tempfile.TemporaryDirectory() as folder,
        trusting(settings.serve.outside.ca_bundle, Path(folder)),
    ):
        uvloop.run(serve(settings, options, network))


if __name__ == "__main__":
    main()

"""`ragwright-api`: the public and the internal port in one process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import stamina.instrumentation
import uvicorn
import uvloop
from starlette.types import ASGIApp

from ragwright_api.app import create_app
from ragwright_api.internal import create_internal_app
from ragwright_api.logs import make_log, take_over_libraries
from ragwright_api.readiness import Readiness
from ragwright_api.runtime import runtime
from ragwright_api.settings import SETTINGS_FILE_ENV, Settings, read_settings
from ragwright_core.names import API_PORT, INTERNAL_PORT, SETTINGS_FILE

DRAIN_SECONDS = 20
# Longer than clients and load balancers keep a connection: a request must not meet one that we
# are just closing.
KEEP_ALIVE_SECONDS = 75

_DESCRIPTION = f"""\
Answers questions from the live index version. Settings stand in {SETTINGS_FILE}
(or the file in {SETTINGS_FILE_ENV}); stores are named by VECTOR_DB_URL and REDIS_URL,
or by files in VECTOR_DB_URL_FILE and REDIS_URL_FILE.
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


def _server(app: ASGIApp, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )


async def serve(settings: Settings, options: Options) -> None:
    """Serve until SIGTERM or SIGINT, then answer what has begun."""
    log = make_log(sys.stdout)
    async with runtime(settings, log) as running:
        readiness = running.readiness
        app = create_app(running.service, running.invalidate, lambda: readiness.stopping, log)
        public = _server(app, options.host, options.port)
        internal = _server(
            create_internal_app(running.database, running.registry, readiness, running.drift),
            options.host,
            options.internal_port,
        )
        _stop_on_signals(public, readiness, options.linger)
        internal_task = asyncio.create_task(internal.serve())
        await public.serve()
        internal.should_exit = True
        await internal_task
        log.info("stopped")


def _stop_on_signals(public: Server, readiness: Readiness, linger: float) -> None:
    """Readiness goes off at once; new questions are answered for `linger` s more, because it takes
    a while until every node has heard of it. A second signal ends that."""
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
    # All interfaces: in a pod, the Service and the kubelet come from outside.
    parser.add_argument("--host", default="0.0.0.0", help="default: all interfaces")  # noqa: S104
    parser.add_argument("--port", type=int, default=API_PORT, help="default: %(default)s")
    parser.add_argument(
        "--internal-port", type=int, default=INTERNAL_PORT, help="default: %(default)s"
    )
    parser.add_argument(
        "--linger",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how long new questions are still answered after SIGTERM; default: %(default)s",
    )
    return Options(**vars(parser.parse_args()))


def main() -> None:
    options = _options()
    take_over_libraries()
    # Its hooks would log the text of errors, which may repeat the question.
    stamina.instrumentation.set_on_retry_hooks([])
    uvloop.run(serve(read_settings(os.environ), options))


if __name__ == "__main__":
    main()

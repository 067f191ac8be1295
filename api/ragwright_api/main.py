"""`ragwright-api`: the public and the internal port in one process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal

import uvicorn
import uvloop
from fastapi import FastAPI

from ragwright_api.app import create_app
from ragwright_api.internal import create_internal_app
from ragwright_api.runtime import runtime
from ragwright_api.settings import SETTINGS_FILE_ENV, read_settings
from ragwright_core.names import API_PORT, INTERNAL_PORT, SETTINGS_FILE

DRAIN_SECONDS = 20

_DESCRIPTION = f"""\
Answers questions from the live index version. Settings stand in {SETTINGS_FILE}
(or the file in {SETTINGS_FILE_ENV}); stores are named by VECTOR_DB_URL and REDIS_URL,
or by files in VECTOR_DB_URL_FILE and REDIS_URL_FILE.
"""


class Server(uvicorn.Server):
    """A server that leaves signals to `serve`, which stops both together."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _server(app: FastAPI, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )


async def serve(host: str, port: int, internal_port: int) -> None:
    """Serve until SIGTERM or SIGINT, then answer what has begun."""
    settings = read_settings(os.environ)
    async with runtime(settings) as running:
        public = _server(create_app(running.service, running.database), host, port)
        internal = _server(
            create_internal_app(running.database, running.registry, running.not_ready),
            host,
            internal_port,
        )

        def stop() -> None:
            running.stopping = True
            public.should_exit = True

        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop)
        internal_task = asyncio.create_task(internal.serve())
        await public.serve()
        internal.should_exit = True
        await internal_task


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="ragwright-api",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # All interfaces: in a pod, the Service and the kubelet come from outside.
    parser.add_argument("--host", default="0.0.0.0", help="default: all interfaces")  # noqa: S104
    parser.add_argument("--port", type=int, default=API_PORT)
    parser.add_argument("--internal-port", type=int, default=INTERNAL_PORT)
    options = parser.parse_args()
    uvloop.run(serve(options.host, options.port, options.internal_port))


if __name__ == "__main__":
    main()

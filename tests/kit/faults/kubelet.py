"""Keeps a local operator running as the kubelet would: restarts it when it ends or is not live."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import httpx
import yaml

from dev.kubectl import until

# As in the chart, but quicker: a failing probe is acted on after three periods.
PROBE_SECONDS, FAILURES = 3.0, 3
_LOUD = re.compile(r"(WARNING|ERROR|CRITICAL)\b|Traceback")


@dataclass
class Operator:
    """A process of `python -m tests.kit.faults.operator`. Its log goes on over restarts."""

    server: str
    environment: Mapping[str, str]
    folder: Path
    name: str = "operator"
    arguments: tuple[str, ...] = ()
    starts: int = 0
    unhealthy: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _wanted: Event = field(default_factory=Event)
    _ended: Event = field(default_factory=Event)
    _ports: tuple[int, int] = (0, 0)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @contextmanager
    def kept(self) -> Iterator[Operator]:
        """Start the operator, keep it running in a thread of its own, and stop it at the end."""
        self.start()
        thread = Thread(target=self._keep, name=f"kubelet of {self.name}", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join(timeout=30)
            self.stop()

    def start(self) -> None:
        self._spawn()
        self._wanted.set()

    def stop(self) -> None:
        """Stop the operator gracefully until `start`, as when a Deployment is scaled to 0."""
        self._wanted.clear()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(timeout=10)

    def restart(self, *arguments: str, **environment: str) -> None:
        """Restart the operator with other arguments or variables."""
        self.stop()
        self.arguments = arguments
        self.environment = {**self.environment, **environment}
        self.start()

    def until_at_work(self) -> None:
        """Wait until a round is done. The probe is not asked, because while the operator starts it
        would fail and log a warning."""
        until(self._made_a_round, 90, f"a round of {self.name}", pause=0.1)

    def _made_a_round(self) -> bool:
        with suppress(httpx.HTTPError):
            text = httpx.get(f"http://127.0.0.1:{self._ports[1]}/metrics", timeout=5).text
            return re.search(r"^ragwright_reconciles_total\{", text, re.MULTILINE) is not None
        return False

    def live(self) -> bool:
        with suppress(httpx.HTTPError):
            found = httpx.get(f"http://127.0.0.1:{self._ports[0]}/healthz", timeout=5)
            return found.status_code == 200
        return False

    def loud_lines(self, since: int, allowed: str) -> list[str]:
        """Lines of WARNING and above from this place of the log on, but for the allowed ones."""
        return loud_lines(self.log.read_text()[since:], allowed)

    def _spawn(self) -> None:
        self._ports = _free_port(), _free_port()
        kubeconfig = self.folder / f"{self.name}.kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(self.server)))
        command = [
            *(sys.executable, "-m", "tests.kit.faults.operator", self.server),
            *("--liveness-port", str(self._ports[0]), "--metrics-port", str(self._ports[1])),
            *self.arguments,
        ]
        environment = {**os.environ, **self.environment, "KUBECONFIG": str(kubeconfig)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.starts += 1

    def _keep(self) -> None:
        failures, began = 0, time.monotonic()
        while not self._ended.wait(0.1):
            process = self._process
            if not self._wanted.is_set() or process is None:
                failures, began = 0, time.monotonic()
            elif process.poll() is not None:
                self._spawn()
                failures, began = 0, time.monotonic()
            elif time.monotonic() - began > PROBE_SECONDS:
                began = time.monotonic()
                failures = 0 if self.live() else failures + 1
                if failures >= FAILURES:
                    self.unhealthy += 1
                    self.kill()


# kopf#1276: its watcher ends with the stream, and the program with it; this is what it says then.
WATCHER_ENDS = r"Watcher for ragpipelines|multitasker has failed|Daemon 'rounds'"
_WATCH_ERRORS = re.compile(
    r"^Traceback(?:(?!^Traceback|^\{).*\n)*?kopf\S*\.WatchingError: .*broken on purpose.*$",
    re.MULTILINE,
)


def loud_lines(log: str, allowed: str) -> list[str]:
    """Lines of WARNING and above, but for the allowed ones, and for a watch that a proxy broke."""
    return [
        line
        for line in _WATCH_ERRORS.sub("", log).splitlines()
        if _is_loud(line) and not (allowed and re.search(allowed, line))
    ]


def _is_loud(line: str) -> bool:
    if line.startswith("{"):
        with suppress(ValueError):
            return json.loads(line).get("level") in ("warning", "error", "critical")
    return _LOUD.match(line) is not None


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "proxy",
        "clusters": [{"name": "proxy", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
    }


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

"""Measures throughput with wrk, and latency at half of that load with hey, both from Debian."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev.goals import percentile

CONNECTIONS = 32
SECONDS = 4
_SCRIPT = Path(__file__).parent / "post.lua"


class LoadError(Exception):
    """A tool is missing, or replies were not 200."""


@dataclass(frozen=True)
class Latency:
    """In milliseconds."""

    p50: float
    p99: float


def require_tools() -> None:
    """Install what is missing where that is allowed. Raises LoadError."""
    missing = [tool for tool in ("wrk", "hey") if shutil.which(tool) is None]
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--quiet", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LoadError(f"{' and '.join(missing)} missing; install them: {' '.join(command)}")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def most_per_second(url: str, body: str) -> float:
    """Requests a second over 32 connections. Raises LoadError on any reply but 200."""
    command = [
        *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(_SCRIPT), url, "--", body)
    ]
    output = _run(command)
    if "Non-2xx" in output or "Socket errors" in output:
        raise LoadError(output)
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found is not None, output
    return float(found[1])


def at_half(url: str, body: str, most: float) -> Latency:
    each = max(1, round(most / 2 / CONNECTIONS))
    return at_rate(url, body, each=each, connections=CONNECTIONS, seconds=SECONDS)


def at_rate(url: str, body: str, *, each: float, connections: int, seconds: int) -> Latency:
    """`each` is the requests a second of each connection. Raises LoadError on any reply but 200."""
    command = [
        *("hey", "-c", str(connections), "-q", f"{each:g}", "-z", f"{seconds}s", "-o", "csv"),
        *("-m", "POST", "-T", "application/json", "-d", body, url),
    ]
    output = _run(command)
    rows = list(csv.DictReader(io.StringIO(output)))
    if {row["status-code"] for row in rows} != {"200"}:
        raise LoadError(f"not every reply to hey was 200: {output[-500:]}")
    took = [float(row["response-time"]) for row in rows]
    return Latency(percentile(took, 50) * 1000, percentile(took, 99) * 1000)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout

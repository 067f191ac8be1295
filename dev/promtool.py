"""promtool from Debian's package `prometheus`. Unpacked beside our other tools and not installed:
with the package would come a server that starts by itself."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from dev.cluster.base import cache_folder


class NoPromtoolError(Exception):
    """promtool is not here and cannot be had; the message says what to do."""


def promtool() -> Path:
    """The machine's own, or else the one that was unpacked. Raises NoPromtoolError."""
    if found := shutil.which("promtool"):
        return Path(found)
    folder = cache_folder() / "prometheus"
    program = folder / "usr" / "bin" / "promtool"
    if not program.exists():
        _unpack_into(folder)
    return program


def _unpack_into(folder: Path) -> None:
    if shutil.which("apt-get") is None:
        raise NoPromtoolError("promtool is not installed, and this is not Debian: install it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        if _run(["apt-get", "download", "-q", "prometheus"], scratch):
            _run(["apt-get", "update", "-q"], scratch)
            if wrong := _run(["apt-get", "download", "-q", "prometheus"], scratch):
                raise NoPromtoolError(f"apt-get download prometheus: {wrong}")
        [package] = Path(scratch).glob("prometheus_*.deb")
        unpacked = Path(scratch) / "unpacked"
        if wrong := _run(["dpkg-deb", "-x", str(package), str(unpacked)], scratch):
            raise NoPromtoolError(f"dpkg-deb: {wrong}")
        try:
            unpacked.rename(folder)
        except OSError:
            # Another process was quicker.
            if not folder.exists():
                raise


def _run(command: list[str], folder: str) -> str:
    """What it said when it failed; empty when it did not."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return (done.stderr.strip()[-500:] or "failed") if done.returncode else ""

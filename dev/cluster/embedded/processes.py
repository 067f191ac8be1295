"""The cluster's programs: started in order, found again by pid file, stopped in reverse."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.base import ClusterError
from dev.cluster.embedded import config
from dev.cluster.embedded.certificates import FOLDER as CERTIFICATES
from dev.cluster.embedded.paths import (
    KUBECONFIG,
    LOGS,
    NODE_ADDRESS,
    NODE_NAME,
    RUN,
    SERVICE_RANGE,
    STATE,
    binaries,
)

ETCD_CLIENT = "http://127.0.0.1:23790"
ETCD_PEER = "http://127.0.0.1:23800"


@dataclass(frozen=True)
class Program:
    """A command, and a name for its pid file and log."""

    name: str
    command: tuple[str, ...]

    @property
    def _pid_file(self) -> Path:
        return RUN / f"{self.name}.pid"

    def running(self) -> int | None:
        """The pid, if the process of that pid is still of this program's binary."""
        try:
            pid = int(self._pid_file.read_text())
            # Not its command line, which is empty for a moment after exec.
            running = Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if running == Path(self.command[0]).resolve().name else None

    def start(self) -> None:
        """Start the program in a session of its own, so that it outlives the caller of `up`."""
        if self.running():
            return
        log = os.open(LOGS / f"{self.name}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        silence = os.open(os.devnull, os.O_RDONLY)
        files = [(os.POSIX_SPAWN_DUP2, silence, 0)]
        files += [(os.POSIX_SPAWN_DUP2, log, descriptor) for descriptor in (1, 2)]
        pid = os.posix_spawn(
            self.command[0], self.command, os.environ, file_actions=files, setsid=True
        )
        os.close(log)
        os.close(silence)
        self._pid_file.write_text(str(pid))

    def stop(self, seconds: float = 20) -> None:
        pid = self.running()
        if pid is None:
            return
        # The whole group: a child that goes on watching holds up the API server's end by 20 s.
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
                deadline += seconds
            _reap(pid)
            time.sleep(0.05)
        self._pid_file.unlink(missing_ok=True)

    def last_words(self) -> str:
        return (LOGS / f"{self.name}.log").read_text(errors="replace")[-1500:]


def _reap(pid: int) -> None:
    """Collect a child of ours; others are collected by init."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def wait_until(ready: Callable[[], bool], program: Program, seconds: float, what: str) -> None:
    """Poll until `ready`. Raises ClusterError with the program's last words."""
    deadline = time.monotonic() + seconds
    while program.running() is None or not ready():
        if time.monotonic() > deadline or program.running() is None:
            raise ClusterError(
                f"{what} did not come up; its last words:\n{program.last_words()}\n"
                "If they name nothing to mend, start afresh: make cluster-down cluster-up"
            )
        time.sleep(0.1)


def containerd() -> Program:
    return Program(
        "containerd", ("/usr/bin/containerd", "--config", str(config.FOLDER / "containerd.toml"))
    )


def etcd() -> Program:
    return Program(
        "etcd",
        (
            str(binaries() / "etcd"),
            f"--data-dir={STATE}/etcd",
            f"--listen-client-urls={ETCD_CLIENT}",
            f"--advertise-client-urls={ETCD_CLIENT}",
            f"--listen-peer-urls={ETCD_PEER}",
            f"--initial-advertise-peer-urls={ETCD_PEER}",
            f"--initial-cluster=default={ETCD_PEER}",
            # This is acceptable because the cluster is made again after a power cut.
            "--unsafe-no-fsync",
            "--log-level=error",
        ),
    )


def apiserver() -> Program:
    return Program(
        "kube-apiserver",
        (
            str(binaries() / "kube-apiserver"),
            f"--etcd-servers={ETCD_CLIENT}",
            f"--bind-address={NODE_ADDRESS}",
            f"--advertise-address={NODE_ADDRESS}",
            "--secure-port=6443",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            f"--client-ca-file={CERTIFICATES}/ca.crt",
            f"--tls-cert-file={CERTIFICATES}/apiserver.crt",
            f"--tls-private-key-file={CERTIFICATES}/apiserver.key",
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={CERTIFICATES}/admin.crt",
            f"--kubelet-client-key={CERTIFICATES}/admin.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={CERTIFICATES}/accounts.key",
            f"--service-account-signing-key-file={CERTIFICATES}/accounts.key",
        ),
    )


def controller_manager() -> Program:
    return Program(
        "kube-controller-manager",
        (
            str(binaries() / "kube-controller-manager"),
            f"--kubeconfig={KUBECONFIG}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            # With the default of 50 s an API server that comes back after a minute finds the only
            # node dead, by chance: its pods get no requests until every watch has begun anew.
            "--node-monitor-grace-period=600s",
            f"--root-ca-file={CERTIFICATES}/ca.crt",
            f"--service-account-private-key-file={CERTIFICATES}/accounts.key",
        ),
    )


def scheduler() -> Program:
    return Program(
        "kube-scheduler",
        (
            str(binaries() / "kube-scheduler"),
            f"--kubeconfig={KUBECONFIG}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        ),
    )


def coredns() -> Program:
    return Program(
        "coredns", (str(binaries() / "coredns"), "-conf", str(config.FOLDER / "Corefile"))
    )


def kubelet() -> Program:
    return Program(
        "kubelet",
        (
            str(binaries() / "kubelet"),
            f"--config={config.FOLDER / 'kubelet.yaml'}",
            f"--kubeconfig={KUBECONFIG}",
            f"--root-dir={STATE}/kubelet",
            f"--cert-dir={STATE}/kubelet/pki",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE_ADDRESS}",
        ),
    )


def kube_proxy() -> Program:
    return Program(
        "kube-proxy",
        (str(binaries() / "kube-proxy"), f"--config={config.FOLDER / 'kube-proxy.yaml'}"),
    )


def volumes() -> Program:
    return Program("volumes", (sys.executable, "-m", "dev.cluster.embedded.volumes"))

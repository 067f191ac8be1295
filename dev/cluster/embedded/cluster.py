"""Brings the embedded cluster up and down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.base import ClusterError, Images
from dev.cluster.embedded import images, network, prepare, processes, programs, volumes
from dev.cluster.embedded.certificates import ensure_certificates, write_kubeconfig
from dev.cluster.embedded.config import write_config
from dev.cluster.embedded.paths import (
    CONTAINERD_SOCKET,
    KUBECONFIG,
    LOGS,
    NODE_NAME,
    RUN,
    STATE,
    binaries,
)


@dataclass(frozen=True)
class EmbeddedCluster:
    why: str
    disposable: bool = True

    def up(self) -> None:
        packages = prepare.missing_packages()
        prepare.announce(packages, compiled=programs.compiled_binary().exists())
        prepare.install(packages)
        programs.compile_programs()
        if not any(program.running() for program in _programs()):
            # If a `down` was interrupted, the store of images may be half removed.
            _forget()
        for folder in (STATE, RUN, LOGS):
            folder.mkdir(parents=True, exist_ok=True)
        ensure_certificates()
        write_kubeconfig()
        network.ensure()
        write_config()
        began = time.monotonic()
        self._start()
        print(f"  node ready after {time.monotonic() - began:.0f} s", flush=True)

    def down(self) -> None:
        """Stop the programs in an order in which each ends cleanly, and delete the cluster's
        state."""
        if not STATE.exists():
            return
        with suppress(ClusterError, subprocess.TimeoutExpired):
            self._remove_pods()
        *others, containerd = _programs()
        for program in others:
            program.stop()
        _remove_containers()
        containerd.stop()
        network.remove()
        subprocess.run(
            [str(binaries() / "kube-proxy"), "--cleanup"], capture_output=True, check=False
        )
        _forget()

    def images(self) -> Images:
        return images.build_and_load()

    def env(self) -> Mapping[str, str]:
        path = f"{binaries()}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "KUBECONFIG": str(KUBECONFIG), "PATH": path}

    @contextmanager
    def without_api_server(self) -> Iterator[None]:
        """Stop the API server, and start it again at the end. Pods go on running."""
        apiserver = processes.apiserver()
        apiserver.stop()
        try:
            yield
        finally:
            apiserver.start()
            processes.wait_until(self._api_ready, apiserver, 60, "the API server")
            # Where a leader is elected, as elsewhere, these two have ended meanwhile and begin
            # anew. Here they would have paused for up to 50 s before they watch again.
            for program in (processes.controller_manager(), processes.scheduler()):
                program.stop()
                program.start()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            [str(binaries() / "kubectl"), f"--kubeconfig={KUBECONFIG}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}")
        return done.stdout

    def _start(self) -> None:
        containerd, apiserver, kubelet = (
            processes.containerd(),
            processes.apiserver(),
            processes.kubelet(),
        )
        containerd.start()
        processes.etcd().start()
        apiserver.start()
        processes.wait_until(CONTAINERD_SOCKET.exists, containerd, 30, "containerd")
        images.ensure_pause()
        processes.wait_until(self._api_ready, apiserver, 60, "the API server")
        others = (
            processes.controller_manager(),
            processes.scheduler(),
            processes.coredns(),
            kubelet,
            processes.kube_proxy(),
            processes.volumes(),
        )
        for program in others:
            program.start()
        self.kubectl("apply", "-f", "-", stdin=json.dumps(volumes.storage_class()))
        processes.wait_until(self._node_ready, kubelet, 90, "the node")
        for program in others:
            processes.wait_until(lambda: True, program, 0, program.name)

    def _api_ready(self) -> bool:
        with suppress(ClusterError):
            return self.kubectl("get", "--raw", "/readyz") == "ok"
        return False

    def _node_ready(self) -> bool:
        ready = "{.status.conditions[?(@.type=='Ready')].status}"
        with suppress(ClusterError):
            told = self.kubectl("get", "node", NODE_NAME, "-o", f"jsonpath={ready}")
            accounts = self.kubectl("get", "serviceaccount", "default", "--ignore-not-found")
            return told == "True" and accounts != ""
        return False

    def _remove_pods(self) -> None:
        if processes.apiserver().running():
            self.kubectl("delete", "deployments,statefulsets,jobs", "-A", "--all", "--wait=false")
            self.kubectl("delete", "pods", "-A", "--all", "--grace-period=1", "--timeout=40s")


def _programs() -> Sequence[processes.Program]:
    """The programs, in the order in which to stop them: without etcd, the API server hangs when it
    is stopped, and keeps its port."""
    return (
        processes.volumes(),
        processes.kube_proxy(),
        processes.kubelet(),
        processes.coredns(),
        processes.scheduler(),
        processes.controller_manager(),
        processes.apiserver(),
        processes.etcd(),
        processes.containerd(),
    )


def _forget() -> None:
    _unmount_below(STATE, RUN)
    for folder in (RUN, STATE):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_containers() -> None:
    """End what the kubelet left, by the runtime's own list."""
    if not CONTAINERD_SOCKET.exists():
        return
    ctr = ["ctr", "--address", str(CONTAINERD_SOCKET), "--namespace", "k8s.io"]
    listed = subprocess.run(
        [*ctr, "tasks", "list", "--quiet"], capture_output=True, text=True, timeout=30, check=False
    )
    for name in listed.stdout.split():
        subprocess.run([*ctr, "tasks", "delete", "--force", name], capture_output=True, check=False)


def _unmount_below(*folders: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if any(mount.startswith(f"{folder}/") for folder in folders):
            subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)

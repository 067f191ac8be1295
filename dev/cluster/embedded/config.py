"""Configuration files of the programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from dev.cluster.embedded.certificates import FOLDER as CERTIFICATES
from dev.cluster.embedded.paths import (
    CONTAINERD_SOCKET,
    KUBECONFIG,
    NODE_ADDRESS,
    NODE_NAME,
    PAUSE_IMAGE,
    POD_RANGE,
    RUN,
    STATE,
)

FOLDER = STATE / "config"
CNI_FOLDER = STATE / "cni"


def kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": str(CERTIFICATES / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        # Machines with cgroups of version 1, or of both versions, can be used too.
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "maxPods": 200,
        "podLogsDir": str(STATE / "pod-logs"),
        # With the default of a minute, pods in tests see a changed ConfigMap too late.
        "syncFrequency": "10s",
    }


def kube_proxy() -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(KUBECONFIG)},
        "clusterCIDR": POD_RANGE,
        "conntrack": {"maxPerCore": 0, "min": 0},
        "healthzBindAddress": "127.0.0.1:10256",
        "hostnameOverride": NODE_NAME,
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "nftables",
    }


def network() -> dict[str, Any]:
    """ptp, not bridge: every packet is routed, so that Services work without br_netfilter.

    No ipMasq: its rules, one chain for each pod, would outlive an unclean end.
    """
    return {
        "cniVersion": "1.0.0",
        "name": "ragwright",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(RUN / "addresses"),
                    "ranges": [[{"subnet": POD_RANGE}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


# TOML as lines: the standard library reads it but does not write it.
CONTAINERD = f"""\
version = 2
root = "{STATE}/containerd"
state = "{RUN}/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE a negative score is refused, and every sandbox dies.
  restrict_oom_score_adj = true
  # Below our own folder they go with it; else a dead pod's route would lead its successor astray.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{CNI_FOLDER}"
"""

COREDNS = f"""\
.:53 {{
  bind {NODE_ADDRESS}
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {KUBECONFIG}
  }}
  forward . /etc/resolv.conf
}}
"""


def write_config() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    CNI_FOLDER.mkdir(parents=True, exist_ok=True)
    _write(FOLDER / "kubelet.yaml", yaml.safe_dump(kubelet()))
    _write(FOLDER / "kube-proxy.yaml", yaml.safe_dump(kube_proxy()))
    _write(FOLDER / "containerd.toml", CONTAINERD)
    _write(FOLDER / "Corefile", COREDNS)
    _write(CNI_FOLDER / "10-ragwright.conflist", json.dumps(network(), indent=2))


def _write(path: Path, text: str) -> None:
    """Write only files that changed, because kube-proxy ends when its file is written."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)

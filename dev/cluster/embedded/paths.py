"""Where the embedded cluster keeps its things, and its addresses."""

from __future__ import annotations

from pathlib import Path

from dev.cluster.base import cache_folder

STATE = Path("/var/lib/ragwright-dev")
RUN = Path("/run/ragwright-dev")
LOGS = STATE / "logs"
KUBECONFIG = STATE / "kubeconfig"
CONTAINERD_SOCKET = RUN / "containerd.sock"
VOLUMES = STATE / "volumes"

# The node's own address stands on a bridge without ports: it is there before any pod, and every
# kernel that runs containers knows bridges (not every one knows dummy links).
LINK = "ragwright0"
NODE_ADDRESS = "10.41.0.1"
POD_RANGE = "10.42.0.0/16"
SERVICE_RANGE = "10.43.0.0/16"
FIRST_SERVICE = "10.43.0.1"
NODE_NAME = "ragwright-dev"
PAUSE_IMAGE = "localhost/ragwright-pause:1"
STORAGE_CLASS = "local"


def binaries() -> Path:
    """The folder with the programs' links."""
    return cache_folder() / "bin"

"""A cluster for the demo and the tests: the person's own, kind, or the embedded one."""

from __future__ import annotations

from dev.cluster.base import Cluster, ClusterError, Images, NoClusterError
from dev.cluster.select import select_cluster

__all__ = ["Cluster", "ClusterError", "Images", "NoClusterError", "select_cluster"]

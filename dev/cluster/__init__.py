"""A cluster for the demo and the tests: the person's own, kind, or the embedded one."""

from __future__ import annotations

from dev.cluster.base import Cluster, Images
from dev.cluster.select import select_cluster

__all__ = ["Cluster", "Images", "select_cluster"]

"""What is read from objects of the cluster, and decided by it. Pure."""

from __future__ import annotations

"""A real one-node Kubernetes, compiled here, for a machine that has none."""

from __future__ import annotations

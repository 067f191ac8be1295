"""The query service: stateless, one process, scaled by replicas."""

from __future__ import annotations

"""Metrics, sums and the log."""

from __future__ import annotations

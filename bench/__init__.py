"""Measurements: each prints its goals, writes bench/results/NAME.json, and exits 1 if one is short."""

from __future__ import annotations

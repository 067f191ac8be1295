"""Measurements: each prints its goals and writes bench/results/NAME.json; 1 if one is short."""

from __future__ import annotations

"""Brings a loaded version live: indexes, gates, the swap, and the steps after it."""

from __future__ import annotations

"""The program that Jobs run: load, index, gates, swap, clean up."""

from __future__ import annotations

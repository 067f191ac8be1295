"""The commands that Jobs run. Each command reads as a list of its steps."""

from __future__ import annotations

"""Finds the chunks for a question."""

from __future__ import annotations

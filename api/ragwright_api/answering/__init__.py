"""Turns a question into its answer."""

from __future__ import annotations

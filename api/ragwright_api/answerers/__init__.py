"""Chunks to an answer."""

from __future__ import annotations

"""Removes what a deleted pipeline leaves behind."""

from __future__ import annotations

"""The gates: conditions that a version must meet before it may answer questions."""

from __future__ import annotations

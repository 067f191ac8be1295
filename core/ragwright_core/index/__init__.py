"""The index version: its tables, the pointer to the live one, the swap, and search."""

from __future__ import annotations

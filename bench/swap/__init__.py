"""`make bench-swap`: 20 swaps under readers, and the textbook swap beside them."""

from __future__ import annotations

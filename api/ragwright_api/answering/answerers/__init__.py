"""Makes an answer from chunks."""

from __future__ import annotations

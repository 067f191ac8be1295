"""Makes chunks with vectors from listed documents."""

from __future__ import annotations

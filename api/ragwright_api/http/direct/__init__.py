"""Routes that are placed before FastAPI, each for a reason that it tells."""

from __future__ import annotations

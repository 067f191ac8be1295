"""Small real servers that tests talk to over HTTP."""

from __future__ import annotations

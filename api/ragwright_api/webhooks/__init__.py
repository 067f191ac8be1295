"""Webhooks of sources: who says that documents have changed, and whether that is so."""

from __future__ import annotations

"""Reads the pipeline's schema in Postgres: the live pointer, chunks and figures."""

from __future__ import annotations

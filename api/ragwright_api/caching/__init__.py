"""Caches of answers, chunks and vectors, in Redis and in the process."""

from __future__ import annotations

"""`kubectl rag`: what a person asks of pipelines, from the command line."""

from __future__ import annotations

"""The two ports: their requests, responses and refusals."""

from __future__ import annotations

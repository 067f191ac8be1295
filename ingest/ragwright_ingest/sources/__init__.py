"""Where documents come from."""

from __future__ import annotations

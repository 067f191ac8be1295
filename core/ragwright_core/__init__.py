"""What every part of Ragwright shares: the resource, names, and the index version."""

from __future__ import annotations

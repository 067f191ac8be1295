"""What the caches save: a day of questions in minutes."""

from __future__ import annotations

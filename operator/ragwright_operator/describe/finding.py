"""The content of a condition, before it gets a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str

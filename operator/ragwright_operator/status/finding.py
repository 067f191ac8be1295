"""What a condition comes to, before it has a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str

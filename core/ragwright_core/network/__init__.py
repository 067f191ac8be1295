"""Which addresses a pipeline's endpoints and sources may have, and how they are connected to."""

from __future__ import annotations

from ragwright_core.network.guard import ForbiddenAddressError, Guard
from ragwright_core.network.network import Network

__all__ = ["ForbiddenAddressError", "Guard", "Network"]

"""Which addresses a pipeline's endpoints and sources may have, and how they are connected to."""

from __future__ import annotations

from ragwright_core.network.guard import ForbiddenAddressError, Guard
from ragwright_core.network.network import Network
from ragwright_core.network.outside import AS_IT_IS, Outside
from ragwright_core.network.trust import trusting

__all__ = ["AS_IT_IS", "ForbiddenAddressError", "Guard", "Network", "Outside", "trusting"]

"""Tasks that may outlive the callers that wait for them."""

from __future__ import annotations

"""Endpoints of models that speak OpenAI's protocol: one try, and what its failure means."""

from __future__ import annotations

from ragwright_core.endpoint.client import Endpoint
from ragwright_core.endpoint.failure import EndpointError, Failure, Topic, Verdict
from ragwright_core.endpoint.key import KeyUnusableError

__all__ = ["Endpoint", "EndpointError", "Failure", "KeyUnusableError", "Topic", "Verdict"]

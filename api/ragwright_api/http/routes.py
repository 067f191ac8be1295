"""The paths of both ports."""

from __future__ import annotations

from ragwright_core.contract import QUERY_PATH, WEBHOOKS_PATH

QUERY = QUERY_PATH
RETRIEVE = "/api/rag/retrieve"
INVALIDATE = "/api/rag/invalidate-cache"
WEBHOOKS = WEBHOOKS_PATH

LIVEZ = "/livez"
READYZ = "/readyz"
METRICS = "/metrics"
INDEX = "/index"

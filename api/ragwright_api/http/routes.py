"""The paths of both ports."""

from __future__ import annotations

QUERY = "/api/rag/query"
RETRIEVE = "/api/rag/retrieve"
INVALIDATE = "/api/rag/invalidate-cache"

LIVEZ = "/livez"
READYZ = "/readyz"
METRICS = "/metrics"
INDEX = "/index"

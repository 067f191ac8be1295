"""`make bench-retrieval`: search through our code, beside bare SQL and the peers' stores."""

from __future__ import annotations

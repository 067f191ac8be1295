"""Which chunks a question may be answered from: a small typed language over their metadata.

Its JSON is MongoDB's, which Pinecone, Chroma and LangChain have made common: `{"team": "a",
"year": {"$gte": 2020}}`. A condition is either true or false, so that `$not` is its exact opposite:
it is false for a field that is missing or of another type.
"""

from __future__ import annotations

from ragwright_core.filters.language import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Compare,
    Comparison,
    Equal,
    Exists,
    Filter,
    FilterError,
    Not,
    canonical,
)
from ragwright_core.filters.parse import parse

__all__ = [
    "EVERYTHING",
    "AllOf",
    "AnyOf",
    "Compare",
    "Comparison",
    "Equal",
    "Exists",
    "Filter",
    "FilterError",
    "Not",
    "canonical",
    "parse",
]

"""Input and output of a search: the version, what is wanted of it, and the chunks found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from ragwright_core.filters import EVERYTHING, Filter
from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.search.fusion import Weights, weights
from ragwright_core.index.version.columns import CHUNKS, LAYOUT, chosen
from ragwright_core.spec import Retrieval

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Searched:
    """The facts about a version's tables that a search needs. `language` is None if the version has
    no text search."""

    number: int
    dimensions: int
    language: str | None
    layout: int = LAYOUT

    @classmethod
    def of(cls, number: int, descriptor: Descriptor) -> Self:
        return cls(
            number=number,
            dimensions=descriptor.embedding.dimensions,
            language=descriptor.language if descriptor.has_text_search else None,
            layout=descriptor.layout,
        )


@dataclass(frozen=True)
class Wanted:
    """Everything that decides which chunks of a given version are found. `question` is as it was
    asked, in its own case, as documents are embedded: keys alone are made from a normalized one. A
    `score_threshold` of 0 leaves out no chunk."""

    question: str
    filters: Filter
    top_k: int
    score_threshold: float
    weights: Weights

    @classmethod
    def of(cls, retrieval: Retrieval, question: str, filters: Filter = EVERYTHING) -> Self:
        """For a question, with the pipeline's settings."""
        return cls(
            question=question.strip(),
            filters=filters,
            top_k=retrieval.top_k,
            score_threshold=retrieval.score_threshold,
            weights=weights(retrieval),
        )


@dataclass(frozen=True)
class Found:
    """A chunk. `place` is its anchor in its document, and its lines are None if the document has
    no lines. `score` is the cosine of its vector and the question's."""

    id: int
    source: str
    path: str
    url: str | None
    title: str
    place: str
    first_line: int | None
    last_line: int | None
    text: str
    score: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """From a row, which may have more columns."""
        return cls(**{name: row[name] for name in (*_NAMES, "score")})

    @property
    def reference(self) -> str:
        """`path#L10-L42` or the like, or the URL the document came with."""
        return self.url or f"{self.path}#{self.place}"


# The fields that are columns of the chunks' table; `score` is computed.
_NAMES = tuple(column.name for column in fields(Found) if column.name != "score")


@cache
def columns(layout: int) -> sql.Composed:
    """The columns that every search selects, besides the score."""
    return chosen(CHUNKS, _NAMES, layout)

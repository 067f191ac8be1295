"""How chunks are found for a question."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.fields import rule, rules

MAX_TOP_K = 50

# The text search configurations that every supported Postgres has.
Language = Literal[
    "simple", "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek",
    "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali", "norwegian",
    "portuguese", "romanian", "russian", "spanish", "swedish", "tamil", "turkish",
]  # fmt: skip


class Retrieval(Model):
    model_config = rules(
        rule(
            "self.denseWeight + self.lexicalWeight > 0",
            "denseWeight and lexicalWeight are both 0: nothing would be searched; write 1 for "
            "one of them",
        )
    )

    top_k: int = Field(5, ge=1, le=MAX_TOP_K, description="Chunks that an answer is made from.")
    dense_weight: int = Field(
        1, ge=0, le=100, description="What nearness of meaning counts, beside lexicalWeight."
    )
    lexical_weight: int = Field(
        2, ge=0, le=100, description="What shared words count; 0 searches by meaning alone."
    )
    adjacent_share: int = Field(
        40,
        ge=0,
        le=100,
        description="Percent of a chunk's score that those right before and after it get: an "
        "answer often goes on there. 0: none.",
    )
    language: Language = Field(
        "english",
        description="Of the documents, for their words' stems; `simple` stems nothing. A change "
        "builds a new index version.",
    )
    min_score: int = Field(
        0,
        ge=0,
        le=100,
        description="Lowest cosine of question and chunk, in percent; what is less alike is left "
        "out. 0: none.",
    )

    @property
    def score_threshold(self) -> float:
        """The lowest cosine as a number from 0 to 1, as in the HTTP API."""
        return self.min_score / 100

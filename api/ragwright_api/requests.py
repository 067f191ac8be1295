"""What callers send, and what they get: the seed's contract (design section 7)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

# Postgres' jsonb holds neither NaN nor the character U+0000.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Scalar = Text | bool | int | Number | None


class QueryRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
    filters: dict[Text, Scalar] = Field(default={}, max_length=20)
    use_cache: StrictBool = True


class QueryResponse(BaseModel):
    answer: str
    sources: list[str]
    from_cache: bool
    latency_ms: float

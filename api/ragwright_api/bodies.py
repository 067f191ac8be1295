"""What the public port takes and gives as JSON, and the words for what it does not take."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from ragwright_core.filters import EVERYTHING, Filter, FilterError, parse
from ragwright_core.spec import MAX_TOP_K

# Not blank, and no control character but those of white space.
_QUESTION = r"^[^\x00-\x08\x0e-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0e-\x1f\x7f]*$"
Question = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000, pattern=_QUESTION, strict=True)
]


def _read_filters(value: Any) -> Filter:
    try:
        return parse(value)
    except FilterError as error:
        raise PydanticCustomError("filters", "{words}", {"words": str(error)}) from None


Filters = Annotated[
    Filter,
    PlainValidator(_read_filters),
    WithJsonSchema({"type": "object", "examples": [{"team": "a", "year": {"$gte": 2020}}]}),
]


class QueryRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: Question
    filters: Filters = Field(default_factory=lambda: EVERYTHING)
    use_cache: StrictBool = True


class QueryResponse(BaseModel):
    answer: str
    sources: list[str]
    from_cache: bool
    latency_ms: float


class RetrieveRequest(BaseModel):
    """`top_k` and `score_threshold` are the pipeline's own where they are left out."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    filters: Filters = Field(default_factory=lambda: EVERYTHING)
    top_k: Annotated[StrictInt, Field(ge=1, le=MAX_TOP_K)] | None = None
    score_threshold: Annotated[StrictFloat, Field(ge=0, le=1)] | None = None


class Chunk(BaseModel):
    """`score` is the cosine of question and chunk; lines count from 1 in the document."""

    source: str
    title: str
    text: str
    first_line: int
    last_line: int
    score: float


class RetrieveResponse(BaseModel):
    chunks: list[Chunk]


_BODIES: dict[str, type[BaseModel]] = {
    "/api/rag/query": QueryRequest,
    "/api/rag/retrieve": RetrieveRequest,
}
_WORDS = {
    "string_pattern_mismatch": "it may not be blank or hold control characters",
    "json_invalid": "this is not JSON",
}


def what_is_wrong(path: str, error: RequestValidationError) -> str:
    """Where and what, without repeating what was sent."""
    found: list[dict[str, Any]] = list(error.errors())
    return "; ".join(f"{_where(item)}: {_what(path, item)}" for item in found[:5])


def _what(path: str, item: dict[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return f"there is no such field; write {', '.join(_BODIES[path].model_fields)}"
    return _WORDS.get(item["type"], str(item["msg"]))


def _where(item: dict[str, Any]) -> str:
    """The field. What stands below it was named by the caller."""
    path = [str(part) for part in item["loc"][1:2] if isinstance(part, str)]
    return path[0] if path else "body"

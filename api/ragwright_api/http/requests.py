"""The requests of the public port, and the messages for invalid ones."""

from __future__ import annotations

import json
from dataclasses import replace
from email.message import Message
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
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from ragwright_api.http import routes
from ragwright_api.retrieval.question import Question
from ragwright_core.filters import EVERYTHING, Filter, FilterError, parse
from ragwright_core.index.search.found import Wanted
from ragwright_core.spec import MAX_TOP_K
from ragwright_core.spec import Retrieval as RetrievalSettings

JSON = "application/json"
# The question must not be blank, and may hold no control characters but those of white space.
_QUESTION = r"^[^\x00-\x08\x0e-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0e-\x1f\x7f]*$"
QuestionText = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000, pattern=_QUESTION, strict=True)
]


def _read_filters(value: Any) -> Filter:
    try:
        return EVERYTHING if value is None else parse(value)
    except FilterError as error:
        raise PydanticCustomError("filters", "{words}", {"words": str(error)}) from None


# A Filter; of one, FastAPI would describe the classes.
Filters = Annotated[
    Any,
    PlainValidator(_read_filters),
    WithJsonSchema(
        {
            "anyOf": [{"type": "object"}, {"type": "null"}],
            "description": "which documents; null, as an empty object, is no filter",
            "examples": [{"team": "a", "year": {"$gte": 2020}}],
        }
    ),
]


class QueryRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: QuestionText
    filters: Filters = Field(default_factory=lambda: EVERYTHING)
    use_cache: StrictBool = True

    def asked(self, own: RetrievalSettings) -> Question:
        """The question, with the pipeline's own settings."""
        wanted = Wanted.of(own, self.question, self.filters)
        return Question(self.question, wanted, self.use_cache)


class RetrieveRequest(BaseModel):
    """`top_k` and `score_threshold` are the pipeline's own where they are left out."""

    model_config = ConfigDict(extra="forbid")

    question: QuestionText
    filters: Filters = Field(default_factory=lambda: EVERYTHING)
    top_k: Annotated[StrictInt, Field(ge=1, le=MAX_TOP_K)] | None = None
    score_threshold: Annotated[StrictFloat, Field(ge=0, le=1)] | None = None

    def asked(self, own: RetrievalSettings) -> Question:
        """The question, with the pipeline's own values for those that the request leaves out."""
        limit = own.top_k if self.top_k is None else self.top_k
        threshold = own.score_threshold if self.score_threshold is None else self.score_threshold
        as_set = Wanted.of(own, self.question, self.filters)
        return Question(self.question, replace(as_set, top_k=limit, score_threshold=threshold))


def read_query(content_type: str, body: bytes) -> QueryRequest:
    """Read a body as FastAPI does on the other routes, with the same messages. Raises
    RequestValidationError, or HTTPException(400) if the body is not even text."""
    try:
        return QueryRequest.model_validate(_json(content_type, body), from_attributes=True)
    except ValidationError as error:
        wrong = [
            {**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)
        ]
        raise RequestValidationError(wrong) from None


def _json(content_type: str, body: bytes) -> Any:
    if not body:
        raise RequestValidationError(
            [{"type": "missing", "loc": ("body",), "msg": "Field required"}]
        )
    if not is_json(content_type):
        return body
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body", error.pos), "msg": error.msg}]
        ) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "There was an error parsing the body") from None


def is_json(content_type: str) -> bool:
    """Whether the type is JSON. Others are refused, because a browser sends some of them from pages
    of other sites without a preflight request."""
    if content_type == JSON:
        return True
    kind, _, subtype = media_type(content_type).partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def media_type(content_type: str) -> str:
    """The type without its parameters; `text/plain` for what is none, as browsers take it."""
    message = Message()
    message["content-type"] = content_type
    return message.get_content_type()


_BODIES: dict[str, type[BaseModel]] = {
    routes.QUERY: QueryRequest,
    routes.RETRIEVE: RetrieveRequest,
}
_WORDS = {
    "string_pattern_mismatch": "it may not be blank or hold control characters",
    "json_invalid": "this is not JSON",
}


def what_is_wrong(path: str, error: RequestValidationError) -> str:
    """The faults and their places, without the values that were sent."""
    found: list[dict[str, Any]] = list(error.errors())
    return "; ".join(f"{_where(item)}: {_what(path, item)}" for item in found[:5])


def _what(path: str, item: dict[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return f"there is no such field; write {', '.join(_BODIES[path].model_fields)}"
    return _WORDS.get(item["type"], str(item["msg"]))


def _where(item: dict[str, Any]) -> str:
    """The field. Deeper parts of the place are left out, because the caller named them."""
    path = [str(part) for part in item["loc"][1:2] if isinstance(part, str)]
    return path[0] if path else "body"

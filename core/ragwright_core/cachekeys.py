"""Keys of everything that stands in Redis. A key says exactly what its value depends on."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ragwright_core.model import fingerprint

RESPONSE_PREFIX = "rag:response:"
RETRIEVAL_PREFIX = "rag:retrieval:"
EMBED_PREFIX = "rag:embed:"


class IndexPoint(NamedTuple):
    """The index an answer was made from: the version's random id (numbers are used again after a
    restore) and the epoch (raised by invalidate-cache). It is made and compared for every cached
    answer, where a dataclass would take two and a half times as long."""

    schema: str
    version_id: str
    epoch: int


def normalize_question(question: str) -> str:
    return question.strip().lower()


def canonical_filters(filters: dict[str, Any]) -> str:
    return json.dumps(filters, sort_keys=True)


def pipeline_tag(schema: str) -> str:
    """Marks a pipeline's keys in a shared Redis, so that purge and clean-up find just them."""
    return fingerprint(schema)[:16]


def _place(point: IndexPoint) -> str:
    return f"{pipeline_tag(point.schema)}:{point.version_id}:{point.epoch}"


def response_key(
    point: IndexPoint, *, scope: str, question: str, filters: dict[str, Any], model: str
) -> str:
    """Key of an answer. `model` is the fingerprint of prompt, language model and retrieval."""
    digest = fingerprint(
        [
            point.schema,
            point.version_id,
            point.epoch,
            scope,
            normalize_question(question),
            canonical_filters(filters),
            model,
        ]
    )
    return f"{RESPONSE_PREFIX}{_place(point)}:{digest}"


def retrieval_key(
    point: IndexPoint, *, scope: str, question: str, filters: dict[str, Any], settings: list[Any]
) -> str:
    """Key of retrieved chunks. `settings` holds the other values that decide which chunks are
    found."""
    asked = [scope, normalize_question(question), canonical_filters(filters), settings]
    digest = fingerprint([point.schema, point.version_id, point.epoch, *asked])
    return f"{RETRIEVAL_PREFIX}{_place(point)}:{digest}"


def turn_key(key: str) -> str:
    """Key that names the process that is computing the value of `key`."""
    return f"{key}:turn"


def embedding_key(schema: str, embedding_fingerprint: str, text: str) -> str:
    """Key of the vector of a document's chunk, which a load wrote. `text` includes the prefix that
    the model saw."""
    digest = fingerprint(["document", embedding_fingerprint, text])
    return f"{EMBED_PREFIX}{pipeline_tag(schema)}:{digest}"


def question_embedding_key(schema: str, embedding_fingerprint: str, epoch: int, text: str) -> str:
    """Key of a question's vector. The epoch is raised when the endpoint turns out to serve another
    model: vectors that were stored before may come from either model."""
    digest = fingerprint(["question", embedding_fingerprint, epoch, text])
    return f"{EMBED_PREFIX}{pipeline_tag(schema)}:question:{epoch}:{digest}"


def response_pattern(schema: str) -> str:
    """SCAN pattern of every answer of a pipeline."""
    return f"{RESPONSE_PREFIX}{pipeline_tag(schema)}:*"


def retrieval_pattern(schema: str) -> str:
    """SCAN pattern of all retrieved chunks of a pipeline."""
    return f"{RETRIEVAL_PREFIX}{pipeline_tag(schema)}:*"


def embedding_pattern(schema: str) -> str:
    """SCAN pattern of every vector of a pipeline."""
    return f"{EMBED_PREFIX}{pipeline_tag(schema)}:*"


def is_of_version(key: str, version_id: str) -> bool:
    """Whether the key of an answer, or of retrieved chunks, belongs to this version."""
    return key.split(":")[3:4] == [version_id]


def epoch_of(key: str) -> int | None:
    """The epoch of an answer, of retrieved chunks or of a question's vector. None for what has no
    epoch: vectors of documents, and keys of releases that did not write it in the clear."""
    epoch, *_ = key.split(":")[4:5] or [""]
    return int(epoch) if epoch.isdecimal() else None


def patterns(schema: str) -> tuple[str, ...]:
    """SCAN patterns of every key of a pipeline, for clean-up after its deletion."""
    return response_pattern(schema), embedding_pattern(schema), retrieval_pattern(schema)

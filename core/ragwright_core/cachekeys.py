"""Keys of everything that stands in Redis. A key says exactly what its value depends on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ragwright_core.model import fingerprint

RESPONSE_PREFIX = "rag:response:"
RETRIEVAL_PREFIX = "rag:retrieval:"
EMBED_PREFIX = "rag:embed:"


@dataclass(frozen=True)
class IndexPoint:
    """The index an answer was made from: the version's random id (a number comes again after a
    restore) and the epoch (raised by invalidate-cache)."""

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
    return f"{RESPONSE_PREFIX}{pipeline_tag(point.schema)}:{point.version_id}:{digest}"


def retrieval_key(
    point: IndexPoint, *, scope: str, question: str, filters: dict[str, Any], settings: list[Any]
) -> str:
    """Key of retrieved chunks. `settings` is what else decides which they are."""
    asked = [scope, normalize_question(question), canonical_filters(filters), settings]
    digest = fingerprint([point.schema, point.version_id, point.epoch, *asked])
    return f"{RETRIEVAL_PREFIX}{pipeline_tag(point.schema)}:{point.version_id}:{digest}"


def turn_key(key: str) -> str:
    """Key that says who makes the value of `key` just now."""
    return f"{key}:turn"


def embedding_key(schema: str, embedding_fingerprint: str, text: str) -> str:
    """Key of one vector. `text` is what the model saw, its prefix included."""
    return f"{EMBED_PREFIX}{pipeline_tag(schema)}:{fingerprint([embedding_fingerprint, text])}"


def sentences_key(schema: str, embedding_fingerprint: str) -> str:
    """Key of the fixed sentences' vectors: they say which model the vectors beside them are of."""
    return f"{EMBED_PREFIX}{pipeline_tag(schema)}:sentences:{embedding_fingerprint}"


def is_sentences(key: str) -> bool:
    """Whether the key is one of `sentences_key`."""
    return key.split(":")[3:4] == ["sentences"]


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


def patterns(schema: str) -> tuple[str, ...]:
    """SCAN patterns of every key of a pipeline, for clean-up after its deletion."""
    return response_pattern(schema), embedding_pattern(schema), retrieval_pattern(schema)

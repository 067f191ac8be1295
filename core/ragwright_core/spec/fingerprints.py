"""Fingerprints of parts of the spec, as status and index versions keep them.

The keys are written out here and not taken from the fields' names, so that no index is rebuilt when
a field is renamed or added. A key that is added later enters only if its value is not the default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ragwright_core.model import fingerprint
from ragwright_core.spec.models import Embedding
from ragwright_core.spec.reindex import Gates
from ragwright_core.spec.retrieval import Retrieval
from ragwright_core.spec.sources import Chunking, Source


class Shaping(Protocol):
    """The fields that shape an index. A spec has them, and so has an order made from a spec."""

    @property
    def sources(self) -> Sequence[Source]: ...

    @property
    def chunking(self) -> Chunking: ...

    @property
    def embedding(self) -> Embedding: ...

    @property
    def retrieval(self) -> Retrieval: ...


def shape_fingerprint(spec: Shaping) -> str:
    """Fingerprint of everything that shapes the index; credentials and serving do not."""
    return fingerprint(
        {
            "sources": [source.shape() for source in spec.sources],
            "chunking": _chunking(spec.chunking),
            "embedding": _embedding(spec.embedding),
            "language": spec.retrieval.language,
        }
    )


def shape_parts(spec: Shaping) -> dict[str, str]:
    """A short fingerprint of each part of the shape, to find out which part changed."""
    parts: dict[str, Any] = {f"sources[{source.name}]": source.shape() for source in spec.sources}
    for group, values in (
        ("chunking", _chunking(spec.chunking)),
        ("embedding", _embedding(spec.embedding)),
    ):
        parts |= {f"{group}.{key}": value for key, value in values.items()}
    parts["retrieval.language"] = spec.retrieval.language
    return {path: fingerprint(value)[:8] for path, value in parts.items()}


def chunking_fingerprint(chunking: Chunking) -> str:
    return fingerprint(_chunking(chunking))


def trigger_fingerprint(annotation: str) -> str:
    """Fingerprint of the reindex annotation's value; a build remembers the one it serves."""
    return fingerprint(annotation)[:16]


def gates_fingerprint(gates: Gates) -> str:
    golden = gates.golden_questions
    return fingerprint(
        {
            "maxShrink": gates.max_shrink,
            "maxFailedDocuments": gates.max_failed_documents,
            "minRecall": gates.min_recall,
            "goldenQuestions": [{"question": q.question, "source": q.source} for q in golden],
        }
    )[:16]


def _chunking(chunking: Chunking) -> dict[str, Any]:
    return {
        "maxCharacters": chunking.max_characters,
        "overlapCharacters": chunking.overlap_characters,
        "maxTokens": chunking.max_tokens,
    }


def _embedding(embedding: Embedding) -> dict[str, Any]:
    return {
        "provider": embedding.provider,
        "model": embedding.model,
        "dimensions": embedding.dimensions,
        "baseUrl": embedding.base_url,
        "documentPrefix": embedding.document_prefix,
        "queryPrefix": embedding.query_prefix,
    }

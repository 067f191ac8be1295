"""Fingerprints of the spec: pinned, for one that moves builds every index of every user anew."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import BaseModel

from ragwright_core.spec import (
    Chunking,
    ConfigMapSource,
    Embedding,
    Gates,
    Git,
    RagPipelineSpec,
    Source,
    chunking_fingerprint,
    gates_fingerprint,
    shape_fingerprint,
)

HANDBOOK = {"name": "handbook", "configMap": {"name": "handbook"}}
SPECS: dict[str, dict[str, Any]] = {
    "smallest": {"sources": [HANDBOOK]},
    "every field of a source": {
        "sources": [
            {
                "name": "code",
                "git": {
                    "url": "https://git.example/x",
                    "ref": "main",
                    "path": "docs",
                    "secretRef": {"name": "git"},
                },
                "include": ["**/*.md"],
                "exclude": ["old/**"],
            },
            HANDBOOK,
        ],
        "chunking": {"maxCharacters": 500, "overlapCharacters": 50, "maxTokens": 99},
        "embedding": {"model": "minilm"},
        "retrieval": {"language": "german"},
    },
    "endpoint": {
        "sources": [{"name": "code", "git": {"url": "https://git.example/x"}}],
        "embedding": {
            "provider": "openai",
            "model": "m",
            "dimensions": 8,
            "baseUrl": "https://models.example/v1",
            "documentPrefix": "passage: ",
            "queryPrefix": "query: ",
        },
    },
    "fewer dimensions": {
        "sources": [HANDBOOK],
        "embedding": {"model": "wordllama", "dimensions": 64},
        "chunking": {"maxTokens": 100},
    },
}
# Computed with commit 9dc460f, whose index versions stand in databases.
SHAPES = {
    "smallest": "22b525b96ea06732ee1ce126ad25f7623ce0f7f25e3864cc29dd1f689d233941",
    "every field of a source": "20ac41041d19bc2b104945a1b030d0886ab1afe14fe9a1bd43bf1fb478627a59",
    "endpoint": "8a8acd493818e699c96e6e8f83ef577b2af65a87cbe121c0d1a0d2c89e5fd272",
    "fewer dimensions": "69d33f1d86a9c07e6e1913497332b82470596b730a474432b8f9b795b615d2a7",
}
CHUNKINGS = {
    "smallest": "c75e25b944a44a12e86b03f90fbe40daf781d3fd13baeb945f552d8749b70cab",
    "every field of a source": "6c01cb8f5b5d9803dd9b8a76bcf3f6d4cd222c69123219d999f27d9b14ba6a00",
    "endpoint": "c75e25b944a44a12e86b03f90fbe40daf781d3fd13baeb945f552d8749b70cab",
    "fewer dimensions": "fbc7dcc23ee6beef1d7c06431155c57c5513a8b207aec422d23054fbd2b6cb7c",
}


def read(spec: dict[str, Any]) -> RagPipelineSpec:
    return RagPipelineSpec.model_validate(spec)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_what_shapes_an_index_has_the_fingerprint_that_it_always_had(name: str) -> None:
    spec = read(SPECS[name])
    assert shape_fingerprint(spec) == SHAPES[name]
    assert chunking_fingerprint(spec.chunking) == CHUNKINGS[name]


def test_gates_have_the_fingerprint_that_they_always_had() -> None:
    golden = {"question": "q", "source": "s"}
    gates = Gates.model_validate({"maxShrink": 50, "goldenQuestions": [golden]})
    assert gates_fingerprint(Gates()) == "fbf9183ce5abee92"
    assert gates_fingerprint(gates) == "b0fb0c147b811a72"


# For each field that shapes the index, another value.
SHAPING: dict[type[BaseModel], dict[str, Any]] = {
    Source: {
        "name": "other",
        "git": None,
        "config_map": ConfigMapSource(name="other"),
        "include": ["*.md"],
        "exclude": ["other"],
    },
    Git: {"url": "https://git.example/other", "ref": "other", "path": "other"},
    ConfigMapSource: {"name": "other"},
    Chunking: {"max_characters": 400, "overlap_characters": 40, "max_tokens": 40},
    Embedding: {
        "provider": "openai",
        "model": "other",
        "dimensions": 128,
        "base_url": "https://other.example",
        "document_prefix": "other",
        "query_prefix": "other",
    },
}
# Credentials, by which the same documents and the same model are reached, and who tells of changes.
SHAPELESS = {(Git, "secret_ref"), (Embedding, "secret_key_ref"), (Source, "webhook")}


def test_every_field_of_what_shapes_an_index_is_in_the_tables() -> None:
    """One that is added later belongs into the fingerprint, where it is not its default."""
    for model, others in SHAPING.items():
        shapeless = {name for owner, name in SHAPELESS if owner is model}
        assert set(model.model_fields) == set(others) | shapeless, model


@pytest.mark.parametrize(
    ("model", "field"), [(model, field) for model, others in SHAPING.items() for field in others]
)
def test_each_field_that_shapes_the_index_counts(model: type[BaseModel], field: str) -> None:
    spec = read(SPECS["every field of a source"])
    changed = copy.deepcopy(spec)
    [found, *_] = [item for item in _parts(changed) if isinstance(item, model)]
    vars(found)[field] = SHAPING[model][field]
    assert shape_fingerprint(changed) != shape_fingerprint(spec)


def _parts(spec: RagPipelineSpec) -> list[BaseModel | None]:
    inner = [part for source in spec.sources for part in (source.git, source.config_map)]
    return [*spec.sources, *inner, spec.chunking, spec.embedding]


def test_a_default_that_grew_builds_no_index_anew() -> None:
    """The API server wrote the default of then into resources of the first releases."""
    then = {**HANDBOOK, "include": ["**/*.md", "**/*.rst", "**/*.txt"]}
    assert read({"sources": [HANDBOOK]}).sources[0].include != then["include"]
    assert shape_fingerprint(read({"sources": [then]})) == SHAPES["smallest"]

from __future__ import annotations

import pytest

from ragwright_core.names import PipelineName, schema_name
from ragwright_core.spec import RagPipelineSpec, shape_fingerprint


def test_a_schema_fits_postgres_and_holds_only_plain_characters() -> None:
    name = schema_name("a" * 63, "b" * 40)
    assert len(name) == 63
    assert name.replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("one", "other"), [(("a-b", "c"), ("a", "b-c")), (("a", "b.c"), ("a", "b-c"))]
)
def test_distinct_pipelines_have_distinct_schemas(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert schema_name(*one) != schema_name(*other)


def test_a_job_is_named_after_what_was_asked_for() -> None:
    names = PipelineName("team", "docs")
    assert names.job("0123456789abcdef", "load", 2) == "docs-0123456789-load-2"


def _shape(**spec: object) -> str:
    source = {"name": "a", "git": {"url": "https://git.example/x"}}
    return shape_fingerprint(RagPipelineSpec.model_validate({"sources": [source], **spec}))


def test_only_what_shapes_the_index_counts() -> None:
    serving = {"topK": 9, "denseWeight": 2, "lexicalWeight": 0, "adjacentShare": 100}
    assert _shape(retrieval=serving, suspend=True, deletionPolicy="Delete") == _shape()
    secret = {"name": "git"}
    source = {"name": "a", "git": {"url": "https://git.example/x", "secretRef": secret}}
    assert _shape(sources=[source]) == _shape()
    assert _shape(chunking={"maxCharacters": 500}) != _shape()
    assert _shape(retrieval={"language": "german"}) != _shape()

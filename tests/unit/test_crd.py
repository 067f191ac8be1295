"""The generated resource definition: structural, complete, and what is checked in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragwright_core.crd import generated, resource_definition
from ragwright_core.spec import RagPipelineSpec
from ragwright_core.status import PipelineStatus

SCHEMA = resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def node(path: str) -> dict[str, Any]:
    return dict(nodes(SCHEMA))[path]


@pytest.mark.parametrize("path", sorted(generated()))
def test_what_is_checked_in_is_what_the_models_say(path: str) -> None:
    assert Path(path).read_text() == generated()[path], "run: make generate"


def test_every_node_is_structural() -> None:
    for path, schema in nodes(SCHEMA):
        assert "type" in schema, path
        for word in ("$ref", "anyOf", "title", "const"):
            assert word not in schema, path
        assert schema.get("additionalProperties") is not False, path
        assert schema.get("default", 0) is not None, path


def test_every_list_and_string_of_the_spec_has_a_bound() -> None:
    """Without bounds the API server refuses CEL rules for their cost, and objects may grow."""
    for path, schema in nodes(SCHEMA["properties"]["spec"]):
        if schema["type"] == "array":
            assert "maxItems" in schema, path
        if schema["type"] == "string" and "enum" not in schema:
            assert "maxLength" in schema, path
        if schema["type"] == "integer":
            assert {"minimum", "maximum"} <= set(schema), path


def test_defaults_show_in_kubectl_get() -> None:
    defaults = {
        name: child["default"]
        for name, child in SCHEMA["properties"]["spec"]["properties"].items()
        if "default" in child
    }
    assert set(defaults) == set(SCHEMA["properties"]["spec"]["properties"]) - {"sources"}
    assert defaults["api"]["replicas"] == 3
    assert defaults["api"]["resources"]["requests"] == {"cpu": "500m", "memory": "512Mi"}
    written = {"sources": [{"name": "a", "configMap": {"name": "b"}}]}
    assert RagPipelineSpec.model_validate(written | defaults) == RagPipelineSpec.model_validate(
        written
    )


def test_sources_are_a_map_by_name_and_conditions_by_type() -> None:
    assert node(".spec.sources")["x-kubernetes-list-map-keys"] == ["name"]
    assert node(".status.conditions")["x-kubernetes-list-map-keys"] == ["type"]


def test_every_rule_has_a_sentence() -> None:
    found = [
        item for _, schema in nodes(SCHEMA) for item in schema.get("x-kubernetes-validations", [])
    ]
    assert len(found) >= 9
    assert all(item["rule"] and len(item["message"]) > 20 for item in found)


def test_printer_columns() -> None:
    columns = resource_definition()["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"].upper() for column in columns] == [
        "READY", "LIVE", "BUILDING", "PROGRESS", "DOCS", "CHUNKS", "URL", "SAVED", "AGE",
    ]  # fmt: skip
    for column in columns:
        path = column["jsonPath"].partition("[")[0]
        if path.startswith(".status"):
            assert node(path), column


def test_the_status_model_reads_what_it_writes_and_what_a_newer_one_wrote() -> None:
    status = PipelineStatus.model_validate({"url": "http://x", "fromTheFuture": {"a": 1}})
    assert PipelineStatus.model_validate(status.model_dump(mode="json")) == status

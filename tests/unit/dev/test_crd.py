"""The generated resource definition: structural, complete, and what is checked in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.generate.__main__ import generated
from dev.generate.crd import resource_definition
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
        assert "type" in schema or schema["x-kubernetes-int-or-string"], path
        for word in ("$ref", "anyOf", "title", "const"):
            assert word not in schema, path
        assert schema.get("additionalProperties") is not False, path
        assert schema.get("default", 0) is not None, path


def test_every_list_and_string_of_the_spec_has_a_bound() -> None:
    """Without bounds the API server refuses CEL rules for their cost, and objects may grow."""
    for path, schema in nodes(SCHEMA["properties"]["spec"]):
        kind = schema.get("type", "string")
        if kind == "array":
            assert "maxItems" in schema, path
        if kind == "string" and "enum" not in schema:
            assert "maxLength" in schema, path
        if kind == "integer":
            assert {"minimum", "maximum"} <= set(schema), path


def test_defaults_show_in_kubectl_get() -> None:
    defaults = {
        name: child["default"]
        for name, child in SCHEMA["properties"]["spec"]["properties"].items()
        if "default" in child
    }
    assert set(defaults) == set(SCHEMA["properties"]["spec"]["properties"]) - {
        "sources",
        "podTemplate",
    }
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


def test_there_is_no_float_and_no_pattern_without_a_sentence() -> None:
    """Floats read differently from one client to the next; a pattern tells nobody what to write."""
    for path, schema in nodes(SCHEMA["properties"]["spec"]):
        assert schema.get("type") != "number", path
        assert "pattern" not in schema, path


def test_a_half_of_resources_that_a_user_wrote_is_never_completed() -> None:
    for group in ("api", "ingest", "database.properties.managed"):
        path = f".spec.{group.replace('.properties', '')}.resources"
        for name, schema in nodes(node(path)):
            assert name == "" or "default" not in schema, f"{path}{name}"
            assert "required" not in schema, f"{path}{name}"


def test_the_operators_memory_is_spelled_out_nowhere() -> None:
    memory = node(".status.operator")
    assert memory["x-kubernetes-preserve-unknown-fields"] is True
    assert "properties" not in memory


def test_printer_columns() -> None:
    columns = resource_definition()["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"].upper() for column in columns] == [
        "READY", "LIVE", "BUILDING", "PROGRESS", "DOCS", "CHUNKS", "URL", "LOOKED", "SAVED", "AGE",
    ]  # fmt: skip
    for column in columns:
        assert column.get("priority") != 0, "the API server drops it: a difference for ever"
        path = column["jsonPath"].partition("[")[0]
        if path.startswith(".status"):
            assert node(path), column


def test_the_status_model_reads_what_it_writes_and_what_a_newer_one_wrote() -> None:
    status = PipelineStatus.model_validate({"url": "http://x", "fromTheFuture": {"a": 1}})
    assert PipelineStatus.model_validate(status.model_dump(mode="json")) == status


def test_items_of_lists_have_no_defaults_of_the_api_server() -> None:
    """It would fill them in, and `kubectl apply` would find a difference for ever."""

    items = [path for path, part in nodes(SCHEMA, "") if "[]" in path and "default" in part]
    assert [path for path in items if path.startswith(".spec.")] == []


def test_a_source_is_read_as_before_without_them() -> None:
    source = {"name": "docs", "git": {"url": "https://git.example/docs"}}
    spec = RagPipelineSpec.model_validate({"sources": [source]})
    assert spec.sources[0].include == ["**/*.md", "**/*.mdx", "**/*.rst", "**/*.txt"]
    assert spec.sources[0].git is not None
    assert spec.sources[0].git.ref == "HEAD"

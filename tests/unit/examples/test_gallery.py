"""Each example is one that the API server takes whole and the operator carries out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dev.generate.crd import resource_definition
from ragwright_core.spec import GROUP, KIND, VERSION, RagPipelineSpec
from ragwright_operator.desired.children import children
from tests.kit.examples import EXAMPLES, read
from tests.kit.golden import target

SCHEMA = resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
GALLERY = Path("docs/reference/examples.md").read_text()


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, taking no field that the API server would drop."""
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: closed(item) for name, item in made["properties"].items()}
        if not made.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    if "items" in made:
        made["items"] = closed(made["items"])
    return made


def fields(value: Any, path: str = "spec") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from fields(item, f"{path}.{name}")
    if isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_the_schema_takes_it_and_drops_nothing(path: Path) -> None:
    example = read(path)
    assert (example["apiVersion"], example["kind"]) == (f"{GROUP}/{VERSION}", KIND)
    assert example.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert example["metadata"].keys() == {"name"}, "the namespace is the reader's to choose"
    jsonschema.validate(example["spec"], closed(SCHEMA["properties"]["spec"]))
    assert [at for at, value in fields(example["spec"]) if value is None] == []


def test_a_field_that_would_be_dropped_is_found() -> None:
    spec = read(EXAMPLES[0])["spec"] | {"replicas": 3}
    with pytest.raises(jsonschema.ValidationError, match="'replicas' was unexpected"):
        jsonschema.validate(spec, closed(SCHEMA["properties"]["spec"]))


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_the_operator_makes_its_objects(path: Path) -> None:
    spec = read(path)["spec"]
    assert RagPipelineSpec.model_validate(spec)
    kinds = {item["kind"] for item in children(target(spec))}
    assert {"Deployment", "Service", "NetworkPolicy"} <= kinds
    assert ("StatefulSet" in kinds) is not ("secretKeyRef" in spec.get("database", {}))
    assert ("HorizontalPodAutoscaler" in kinds) is ("autoscaling" in spec.get("api", {}))


def test_together_they_show_every_group_of_the_spec() -> None:
    shown = {name for path in EXAMPLES for name in read(path)["spec"]}
    # `suspend` is a switch for a moment, chunking is best left alone.
    assert set(SCHEMA["properties"]["spec"]["properties"]) - shown == {"suspend", "chunking"}


def test_the_gallery_lists_each_and_no_other() -> None:
    listed = re.findall(r"^\| `(examples/[\w/-]+\.yaml)` \|", GALLERY, re.M)
    assert listed == sorted(listed)
    assert set(listed) == {str(path) for path in EXAMPLES}

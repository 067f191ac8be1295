"""What stands in the chart twice is the same: Artifact Hub's annotations, values and their page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ragwright_core.spec import GROUP, KIND, PLURAL, VERSION, RagPipelineSpec

CHART = Path("charts/ragwright")
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# Words of Kubernetes, of which values.yaml shows the defaults.
FREE = ("podSecurityContext", "securityContext", "resources")


def annotation(name: str) -> Any:
    return yaml.safe_load(ABOUT["annotations"][f"artifacthub.io/{name}"])


def test_images_told_to_artifact_hub_are_those_of_the_values() -> None:
    told = {item["name"]: item["image"] for item in annotation("images")}
    assert told == {name: VALUES[name]["image"] for name in ("postgres", "redis")}


def test_the_example_told_to_artifact_hub_is_one_that_the_schema_takes() -> None:
    [example] = annotation("crdsExamples")
    assert (example["apiVersion"], example["kind"]) == (f"{GROUP}/{VERSION}", KIND)
    RagPipelineSpec.model_validate(example["spec"])
    [told] = annotation("crds")
    assert (told["kind"], told["version"], told["name"]) == (KIND, VERSION, f"{PLURAL}.{GROUP}")


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        if isinstance(value, dict) and value and key not in FREE:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def test_every_value_has_a_schema_and_a_line_on_the_page() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    page = (CHART / "README.md").read_text()
    for path in leaves(VALUES):
        node = schema
        for key in path:
            node = node["properties"][key]
        [row] = [line for line in page.splitlines() if line.startswith(f"| {'.'.join(path)} |")]
        assert row.rpartition(" | ")[2].strip(" |"), f"{'.'.join(path)} has no comment with # --"

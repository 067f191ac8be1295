"""The images that an installation pulls are those of three values, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from dev.install import CHART
from tests.kit.chart import rendered

PAGE = Path("docs/howto/install-air-gapped.md").read_text()
OURS = "registry.example.com"


def test_with_three_values_everything_comes_from_one_registry(env: Mapping[str, str]) -> None:
    ours = (
        f"image.repository={OURS}/ragwright,postgres.image={OURS}/pg:1,redis.image={OURS}/redis:1"
    )
    text = json.dumps(rendered(env, ours))
    assert set(re.findall(r"[\w.-]+/[\w/-]*(?:ragwright|pgvector|pg|redis):[\w.-]+", text)) == {
        f"{OURS}/ragwright:0.1.0",
        f"{OURS}/pg:1",
        f"{OURS}/redis:1",
    }
    assert "docker.io" not in text


def test_the_page_names_the_images_that_are_pulled_by_default() -> None:
    values = yaml.safe_load(Path(CHART, "values.yaml").read_text())
    for part in ("postgres", "redis"):
        assert f"| `{part}.image` | `{values[part]['image']}` |" in PAGE
        assert f"skopeo copy docker://{values[part]['image']}" in PAGE
    assert values["image"]["repository"] == ""

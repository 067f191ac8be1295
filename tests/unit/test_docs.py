"""What the documentation shows is true: its YAML, its links, its make targets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ragwright_api.http.requests import QueryRequest, RetrieveRequest
from ragwright_core import filters
from ragwright_core.spec import GROUP, RagPipelineSpec

AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*map(Path, AT_THE_TOP), *sorted(Path("docs").rglob("*.md"))]
ONE_SOURCE = [{"name": "docs", "git": {"url": "https://git.example.com/docs.git"}}]


def blocks() -> list[Any]:
    return [
        pytest.param(block, id=f"{page}-{number}")
        for page in PAGES
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S))
        if GROUP in (block := yaml.safe_load(text)).get("apiVersion", GROUP)
    ]


@pytest.mark.parametrize("block", blocks())
def test_every_pipeline_shown_is_one_that_the_schema_takes(block: dict[str, Any]) -> None:
    assert RagPipelineSpec.model_validate({"sources": ONE_SOURCE} | block["spec"])


def test_every_filter_shown_is_one_that_can_be_asked_with() -> None:
    page = Path("docs/howto/filters.md").read_text()
    bodies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.S)]
    shown = [json.loads(text) for text in re.findall(r'`(\{"[^`]*\})`', page) if "..." not in text]
    assert len(bodies) == 3
    assert len(shown) == 6
    for body in bodies:
        if "question" not in body:
            shown.append(body)
        elif "top_k" in body:
            RetrieveRequest.model_validate(body)
        else:
            QueryRequest.model_validate(body)
    for item in shown:
        assert filters.parse(item) != filters.EVERYTHING


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_make_target_named_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.M))
    named = re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text())
    assert set(named) <= targets


def test_every_test_named_as_a_proof_is_there() -> None:
    named = {name for page in PAGES for name in re.findall(r"tests/[\w/]+\.py", page.read_text())}
    assert named
    assert all(Path(name).exists() for name in named)


def test_the_site_leads_to_every_page_once() -> None:
    nav = yaml.safe_load(Path("mkdocs.yml").read_text())["nav"]
    led_to = list(_pages(nav))
    assert sorted(led_to) == sorted(
        str(page.relative_to("docs")) for page in PAGES if page.is_relative_to("docs")
    )


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for inside in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(inside)

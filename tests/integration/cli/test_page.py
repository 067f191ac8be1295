"""What the reference shows of `kubectl rag` is what the program prints. Where an output is meant to
change, copy it from the failure."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.cli.conftest import Sit
from tests.kit.operator import pipeline
from tests.kit.operator_world import NAME

PAGE = Path("docs/reference/kubectl-rag.md")
MODEL = {"provider": "openai", "model": "embed-3", "dimensions": 256}
ENDPOINT = {"baseUrl": "https://models.example.com/v1"}
CHANGED = pipeline(embedding={**MODEL, **ENDPOINT}, retrieval={"topK": 8}, reindex={"keep": 1})


def blocks() -> list[tuple[str, str]]:
    """Each command of ours with what stands below it, in order."""
    found = re.findall(r"```console\n\$ kubectl rag (.*?)\n(.*?)```", PAGE.read_text(), re.S)
    return [(command, output) for command, output in found if command != "--help"]


# The scene of each command of the page, in order, and the code that it ends with.
SCENES: list[tuple[str, int, dict[str, Any]]] = [
    ("healthy", 0, {}),
    ("approval_waited_for", 0, {}),
    ("healthy", 0, {}),
    ("first_build_stalled", 1, {}),
    ("healthy", 0, {}),
    ("gates_failed", 1, {}),
    ("healthy", 0, {}),
    ("healthy", 0, {"lives": True}),
    ("healthy", 0, {}),
    ("healthy", 0, {}),
    ("approval_waited_for", 0, {}),
    ("gates_failed", 1, {}),
    ("healthy", 0, {}),
    ("healthy", 0, {}),
]


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("number", range(len(SCENES)), ids=lambda n: f"{n}-{blocks()[n][0]}")
def test_the_page_shows_what_is_printed(
    sit: Sit, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command, shown), (scene, code, more) = blocks()[number], SCENES[number]
    desk = sit(scene, **more)
    if command.startswith("webhook-url"):
        spec = desk.api.world.objects["RagPipeline", NAME]["spec"]
        spec["api"] = {"externalURL": "https://docs.example.com"}
        spec["sources"][0]["webhook"] = {"secretKeyRef": {"name": "hook", "key": "secret"}}
    (tmp_path / "docs.yaml").write_text(yaml.safe_dump(CHANGED))
    monkeypatch.chdir(tmp_path)
    said = desk(*shlex.split(command))
    assert lines(said.err + said.out) == lines(shown)
    assert said.code == code


def test_every_command_of_the_page_is_run() -> None:
    assert len(blocks()) == len(SCENES)

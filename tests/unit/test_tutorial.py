"""The tutorial's commands are ones that a test can run, and a person can copy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from ragwright_core.spec import RagPipelineSpec
from tests.kit.tutorial import PAGE, commands


def test_every_command_stands_on_one_line_and_is_of_kubectl_or_curl() -> None:
    lines = commands()
    assert len(lines) > 12
    assert len(lines) == PAGE.read_text().count("\n$ ")
    assert {line.split()[0] for line in lines} == {"kubectl", "curl"}
    assert not any(line.endswith("\\") for line in lines)


def test_files_that_are_named_are_there_and_patches_are_json() -> None:
    text = "\n".join(commands())
    for name in re.findall(r"examples/[\w/.-]+", text):
        assert Path(name).exists(), name
    patches = [json.loads(found) for found in re.findall(r"-p '(\{.*\})'", text)]
    assert len(patches) == 3
    spec = yaml.safe_load(Path("examples/tutorial/pipeline.yaml").read_text())["spec"]
    for patch in patches:
        assert RagPipelineSpec.model_validate(spec | patch.get("spec", {}))


def test_the_documents_say_what_the_page_says() -> None:
    assert "thirty days" in Path("examples/tutorial/handbook/refunds.md").read_text()
    [new] = [line for line in commands() if "patch configmap" in line]
    assert "sixty days" in new

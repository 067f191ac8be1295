"""The rules of the house that no other tool checks: sizes, and what a comment may cite."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = (
    "core/ragwright_core",
    "operator/ragwright_operator",
    "ingest/ragwright_ingest",
    "api/ragwright_api",
    "cli/ragwright_cli",
)
LONGEST_MODULE = 250
LONGEST_HELPER = 350
MOST_MODULES = 12
# Pages that were written before the project and are not part of it.
ELSEWHERE = re.compile(
    r"design(\.md)? section|\bthe seed\b|style_and_reliability|architecture-review|"
    r"shared/(design|found|reference|eval)|\breview b\d",
    re.IGNORECASE,
)


def tracked(*patterns: str) -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], capture_output=True, text=True, check=True
    )
    yield from (Path(name) for name in listed.stdout.split("\0") if name and Path(name).is_file())


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("folders", "longest"),
    [(PACKAGES, LONGEST_MODULE), (("tests", "bench", "dev"), LONGEST_HELPER)],
    ids=["packages", "around them"],
)
def test_no_module_is_longer_than_a_reader_keeps_in_mind(
    folders: tuple[str, ...], longest: int
) -> None:
    modules = [path for path in tracked(*folders) if path.suffix == ".py"]
    assert modules
    assert [f"{path}: {lines(path)}" for path in modules if lines(path) > longest] == []


def test_no_folder_of_a_package_is_a_heap() -> None:
    modules = [path for path in tracked(*PACKAGES) if path.suffix == ".py"]
    counted = Counter(path.parent for path in modules if path.name != "__init__.py")
    assert counted
    assert {str(folder): count for folder, count in counted.items() if count > MOST_MODULES} == {}


def test_nothing_cites_what_is_not_in_the_repository() -> None:
    cited = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in tracked()
        if path.suffix in (".py", ".md", ".yaml", ".yml", ".toml", ".sh", ".go")
        and path != Path("tests/unit/test_house.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert cited == []


def test_no_merge_was_left_half_done() -> None:
    marks = ("<<<<<<< ", ">>>>>>> ", "||||||| ")
    left = [
        f"{path}:{number}"
        for path in tracked()
        if path.suffix in (".py", ".md", ".yaml", ".yml", ".toml", ".tpl", ".json", ".txt", ".lua")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.startswith(marks)
    ]
    assert left == []

"""Every line of the threat model names a test that is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PAGE = Path("docs/explanation/security.md").read_text()
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def lines() -> Iterator[list[str]]:
    """Rows of the tables whose last column says what holds a line."""
    for table in re.findall(r"^\| threat .*\| held by \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M):
        for row in table.splitlines():
            yield [cell.strip() for cell in row.strip("|").split(" | ")]


def defined_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_line_names_a_test() -> None:
    found = list(lines())
    assert len(found) > 30
    assert PAGE.count("| held by |") == PAGE.count("| threat |")
    for threat, holds, held_by in found:
        assert threat
        assert holds
        assert re.sub(TEST, "", held_by).strip(", ") == "", held_by


def test_every_named_test_is_there() -> None:
    named = TEST.findall(PAGE)
    assert len(named) > 60
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not Path(file).exists() or test not in defined_in(Path(file))
    ]
    assert missing == []

"""Every reason that a condition can have stands on the page of troubles, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

from ragwright_core.report import Reason
from ragwright_core.status import ConditionType
from ragwright_operator.describe.standing import STALLS
from ragwright_operator.wanted.waits import Hold

PACKAGE = Path("operator/ragwright_operator")
PAGE = Path("docs/howto/troubleshooting.md").read_text()
# Where a reason is handed on that another call, or a Job, has written.
HANDED_ON = re.compile(r"(\.reason|\.failure|\.problem\.reason\))$")
NAMED = {"Finding": 1, "Trouble": 0, "Hold": 0}


def written(name: str) -> Iterator[str]:
    """The reasons that calls of `name` write."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
                yield from _reasons(node.args[NAMED[name]])


def _reasons(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(reason)):
            yield reason
        case ast.IfExp(body=one, orelse=other):
            yield from (*_reasons(one), *_reasons(other))
        case _:
            words = ast.unparse(node)
            assert HANDED_ON.search(words), f"{words}: write the reason where it is given"


def sections() -> dict[str, str]:
    parts = re.split(r"^## ", PAGE, flags=re.M)[1:]
    return {part.partition("\n")[0]: part for part in parts}


def rows(text: str) -> list[list[str]]:
    found = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.M)
    return [[reason, *(cell.strip() for cell in rest.split("|"))] for reason, rest in found]


def listed(text: str) -> set[str]:
    return {row[0] for row in rows(text)}


def test_every_condition_has_a_section() -> None:
    assert list(sections()) == list(get_args(ConditionType))


def test_every_trouble_is_listed_under_degraded() -> None:
    troubles = {*written("Trouble"), *map(str, Reason), "AsExpected"}
    assert {"NameTaken", "PodsRefused", "InvalidSpec"} < troubles
    assert listed(sections()["Degraded"]) == troubles


def test_every_other_reason_is_listed_and_none_that_nobody_writes() -> None:
    holds = set(get_args(get_type_hints(Hold)["reason"]))
    assert set(written("Hold")) == holds
    assert {"Answering", "Index", "Load"} < set(written("Finding"))
    assert listed(PAGE) == {*written("Finding"), *holds, *written("Trouble"), *map(str, Reason)}


def test_it_says_of_each_trouble_whether_a_person_must_mend_it() -> None:
    marked = {row[0] for row in rows(sections()["Degraded"]) if row[3] == "you"}
    assert marked == {str(reason) for reason in STALLS}

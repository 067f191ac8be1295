from __future__ import annotations

from typing import Any

import pytest

from ragwright_operator.plan.difference import covers, stamped, stray_keys


@pytest.mark.parametrize(
    ("existing", "desired", "same"),
    [
        ({"a": 1, "defaulted": 2}, {"a": 1}, True),
        ({"a": 2}, {"a": 1}, False),
        ({}, {"a": None}, False),
        (
            {"env": [{"name": "x", "value": "1"}, {"name": "injected"}]},
            {"env": [{"name": "x"}]},
            True,
        ),
        ({"env": [{"name": "injected"}]}, {"env": [{"name": "x"}]}, False),
        ({"command": ["a", "b"]}, {"command": ["a"]}, False),
        ({"selector": {"a": "1", "b": "2"}}, {"selector": {"a": "1"}}, False),
        ({"data": {"a": "1", "b": "2"}}, {"data": {"a": "1"}}, False),
        (
            {"ingress": [{"ports": [{"port": 1}], "from": []}]},
            {"ingress": [{"ports": [{"port": 1}]}]},
            False,
        ),
        (
            {"m": [{"mountPath": "/b", "name": "v"}, {"mountPath": "/a", "name": "v"}]},
            {"m": [{"mountPath": "/a", "name": "v"}, {"mountPath": "/b", "name": "v"}]},
            True,
        ),
    ],
)
def test_covers(existing: Any, desired: Any, *, same: bool) -> None:
    assert covers(existing, desired) is same


def test_a_field_that_is_no_longer_desired_is_a_difference() -> None:
    before = {"kind": "X", "metadata": {"name": "x"}, "spec": {"a": 1, "b": 2}}
    after = {"kind": "X", "metadata": {"name": "x"}, "spec": {"a": 1}}
    assert covers(before, after)
    assert not covers(stamped(before), stamped(after))


def test_stray_keys() -> None:
    assert stray_keys({"data": {"ours": "", "b": "", "a": ""}}, {"data": {"ours": ""}}) == (
        "a",
        "b",
    )
    assert stray_keys({}, {"spec": {}}) == ()

"""`make demo` is one of the cluster tests."""

from __future__ import annotations

from dev.demo.run import run
from dev.install import Installed


def test_the_demo_keeps_its_promise(installed: Installed) -> None:
    assert installed
    assert run() == 0

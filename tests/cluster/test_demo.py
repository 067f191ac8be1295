"""`make demo` is one of the cluster tests."""

from __future__ import annotations

import os
import subprocess

import pytest

from dev.demo.run import run
from dev.install import Installed

SHELL = {name: os.environ[name] for name in ("HOME", "PATH", "KUBECONFIG") if name in os.environ}


def test_the_demo_keeps_its_promise_and_what_it_prints_at_its_end_works(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert installed
    assert run() == 0
    screen = capsys.readouterr().out
    # The git server's signed call, and nothing else, has the documents looked at.
    assert "documents changed: webhook of handbook" in screen
    told = screen.split("From this machine:\n")[1]
    *commands, watched = [line.strip() for line in told.splitlines() if line.strip()]
    script = ["trap 'kill $(jobs -p)' EXIT", *commands, f"timeout 5 {watched}"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        env=SHELL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert '"answer"' in done.stdout, done.stderr
    assert "True" in done.stdout.splitlines()[-1], done.stdout

"""The tutorial, command by command as it is printed, in one shell."""

from __future__ import annotations

import os
import subprocess

from dev.install import Installed
from tests.kit.tutorial import commands

MARK = "-- next --"


def test_every_command_of_the_tutorial_does_what_it_says(installed: Installed) -> None:
    said = run(installed, commands())
    answers = [text for command, text in said if command.startswith("curl")]
    assert ["thirty" in text for text in answers] == [True, False, True]
    assert ["sixty" in text for text in answers] == [False, True, False]
    [history] = [text for command, text in said if "status.history" in command]
    assert "version 2: 1 embedded, 2 reused" in history
    [shown] = [text for command, text in said if command.endswith("get rag")]
    assert "docs" in shown


def run(installed: Installed, lines: list[str]) -> list[tuple[str, str]]:
    """Each command with what it said. Ends at the first that fails; what runs in the background
    ends with the shell."""
    script = "\n".join(["set -e", "trap 'kill $(jobs -p)' EXIT", *_marked(lines)])
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **installed.cluster.env()},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    if done.returncode:
        for kind in ("rag", "pods"):
            done.stderr += installed.kubectl("-n", "tutorial", "get", kind, "-o", "wide")
        installed.kubectl("delete", "namespace", "tutorial", "--wait=false")
    assert done.returncode == 0, done.stdout + done.stderr
    return list(zip(lines, done.stdout.split(f"{MARK}\n")[1:], strict=True))


def _marked(lines: list[str]) -> list[str]:
    return [part for line in lines for part in (f"echo; echo '{MARK}'", line)]

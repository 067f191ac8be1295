"""Tests of the chart and its page, by programs of others: `python -m dev.charts test|docs|check`.

They are Go programs, compiled once per machine, as the module proxy serves them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.base import cache_folder
from dev.cluster.embedded.programs import go_command
from dev.install import CHART

README = CHART / "README.md"


@dataclass(frozen=True)
class Program:
    """A command of a Go module. It is built within the module, whose go.mod may replace others."""

    name: str
    module: str
    version: str

    def path(self) -> Path:
        """The program, compiled if this version was not yet."""
        file = cache_folder() / "tools" / f"{self.name}-{self.version}"
        if not file.exists():
            sys.stdout.write(f"  compiling {self.name} {self.version}, once per machine\n")
            self._compile(file)
        return file

    def _compile(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        go, unfinished = go_command(), file.with_name(f"{file.name}.unfinished")
        fetch = [*go, "mod", "download", "-json", f"{self.module}@{self.version}"]
        told = subprocess.run(fetch, cwd=file.parent, capture_output=True, text=True, check=True)
        built = [*go, "build", "-trimpath", "-o", str(unfinished), f"./cmd/{self.name}"]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        subprocess.run(built, cwd=json.loads(told.stdout)["Dir"], env=environment, check=True)
        unfinished.rename(file)


UNITTEST = Program("helm-unittest", "github.com/helm-unittest/helm-unittest", "v1.1.2")
DOCS = Program("helm-docs", "github.com/norwoodj/helm-docs", "v1.14.2")


def test() -> None:
    """The suites in the chart's tests/. Raises CalledProcessError."""
    subprocess.run([str(UNITTEST.path()), "--strict", str(CHART)], check=True)


def page() -> str:
    """The chart's page, from its template and the comments of its values."""
    command = [str(DOCS.path()), "--dry-run", "--log-level", "warning", "-c", str(CHART)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    match sys.argv[1:]:
        case ["test"]:
            test()
        case ["docs"]:
            README.write_text(page())
        case ["check"]:
            if README.read_text() != page():
                sys.exit(f"{README} is not what values.yaml says: make chart-docs")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()

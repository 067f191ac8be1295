"""What reading a git source costs, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dev.loopback import LOOPBACK
from ragwright_core.spec import Source
from ragwright_ingest.sources.git import GitRepository
from ragwright_ingest.sources.git_fetch import Login
from ragwright_ingest.unreadable import UnreadableError


@dataclass
class Found:
    """`grown` is by how many bytes the process had grown at most."""

    read: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    grown: int = 0


def opened(url: str, folder: Path) -> Found:
    """Every document of the repository."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.measured", url, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    return Found(**json.loads(done.stdout))


def _most() -> int:
    """The most memory that this program had. ru_maxrss would count that of its parent, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [told] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(told) * 1024


def _main(url: str, folder: str) -> None:
    found, before = Found(), _most()
    source = Source.model_validate({"name": "docs", "git": {"url": url}})
    repository = GitRepository(source, Path(folder), Login(), LOOPBACK)
    for item in repository.list().documents:
        found.bytes[item.path] = item.bytes
        try:
            found.read[item.path] = repository.read(item.path, item.mark).decode()
        except UnreadableError as error:
            found.refused[item.path] = str(error)
    repository.close()
    found.grown = _most() - before
    sys.stdout.write(json.dumps(asdict(found)))


if __name__ == "__main__":
    _main(*sys.argv[1:])

"""Runs the peers by their own Python, whose packages are locked beside this file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.eval.peers.material import Material, Ranked, read_ranked

_HERE = Path(__file__).parent


def rank(material: Material, folder: Path, url: str) -> Ranked:
    """Every peer's rankings; its packages are installed at the first time (300 MB)."""
    folder.mkdir()
    material.write(folder)
    command = ["uv", "run", "--quiet", "--frozen", "--project", str(_HERE)]
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    subprocess.run(
        [*command, "python", "-W", "ignore", "-m", "bench.eval.peers", str(folder), url],
        cwd=_HERE.parents[2],
        # The peers need no network, and these variables keep libraries from using it.
        env={**environment, "HAYSTACK_TELEMETRY_ENABLED": "False", "LANGSMITH_TRACING": "false"},
        check=True,
    )
    return read_ranked(folder)

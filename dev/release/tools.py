"""cosign, which signs, and crane, whose registry serves a rehearsal: compiled once per machine."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from dev.cluster.base import cache_folder
from dev.cluster.embedded.programs import go_command

MODULES = {
    "cosign": "github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3",
    "crane": "github.com/google/go-containerregistry/cmd/crane@v0.21.7",
}


class ToolError(Exception):
    """A tool could not be made. The message is what the compiler said."""


def there(name: str) -> Path | None:
    """The tool, if it was compiled before."""
    found = _place(name)
    return found if found.exists() else None


def compiled(name: str) -> Path:
    """The tool, compiled now if it is not there yet. Raises ToolError."""
    if found := there(name):
        return found
    place, began = _place(name), time.monotonic()
    print(f"  {MODULES[name]} is compiled; minutes the first time", flush=True)
    done = subprocess.run(
        [*go_command(), "install", MODULES[name]],
        env={**os.environ, "GOBIN": str(place.parent), "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(f"{name} could not be compiled: {done.stderr[-800:]}")
    print(f"  {name} compiled in {time.monotonic() - began:.0f} s", flush=True)
    return place


def _place(name: str) -> Path:
    version = MODULES[name].rpartition("@")[2]
    return cache_folder() / "release" / f"{name}-{version}" / name

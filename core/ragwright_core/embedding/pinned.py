"""Files of installed wheels, checked against the hash of the release that was tested."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path


def wheel_folder(package: str) -> Path:
    """The folder of a package, found without importing it. Raises RuntimeError when it is not
    installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the package {package} is not installed: run `uv sync`")
    return Path(spec.submodule_search_locations[0])


def pinned(path: Path, sha256: str) -> Path:
    """Return `path` if the file has this hash. Raises RuntimeError if it was altered."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise RuntimeError(f"{path.name} is not the file that this release was tested with")
    return path

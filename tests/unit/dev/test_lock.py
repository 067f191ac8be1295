"""What goes into the image: where it is from, and whether there is one for each platform."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOCKED: dict[str, Any] = {
    item["name"]: item for item in tomllib.loads(Path("uv.lock").read_text())["package"]
}
OURS = "ragwright"
# Has no wheel for arm64 and would need a compiler in the image.
WITHOUT_AARCH64 = {"wordllama"}


def in_the_image() -> set[str]:
    """All that the package needs, and what these need in turn."""
    found: set[str] = set()
    left = [OURS]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _needs(LOCKED[name])
    return found - {OURS}


def _needs(item: dict[str, Any]) -> Iterator[str]:
    for needed in item.get("dependencies", []):
        yield needed["name"]
        extras = LOCKED[needed["name"]].get("optional-dependencies", {})
        for extra in needed.get("extra", []):
            yield from (more["name"] for more in extras.get(extra, []))


def fits(wheel: str, machine: str) -> bool:
    """Whether a wheel can be installed on the image's Python on Debian for this machine."""
    python, abi, platform = wheel.removesuffix(".whl").split("-")[-3:]
    of_python = python.startswith("py") or "cp313" in python or "abi3" in abi
    return of_python and (platform == "any" or ("manylinux" in platform and machine in platform))


@pytest.mark.parametrize(
    ("machine", "lacking"), [("x86_64", set()), ("aarch64", WITHOUT_AARCH64)], ids=str
)
def test_every_package_of_the_image_has_a_wheel_for(machine: str, lacking: set[str]) -> None:
    assert {"kopf", "onnxruntime", "psycopg-binary", "wordllama"} < in_the_image()
    without = {
        name
        for name in in_the_image()
        if not any(
            fits(wheel["url"].rsplit("/", 1)[1], machine)
            for wheel in LOCKED[name].get("wheels", [])
        )
    }
    assert without == lacking


def test_every_package_is_from_the_index_and_known_by_its_hash() -> None:
    for name, item in LOCKED.items():
        if name == OURS:
            continue
        assert item["source"] == {"registry": "https://pypi.org/simple"}, name
        files = [*item.get("wheels", []), *([item["sdist"]] if "sdist" in item else [])]
        assert files
        assert all(file["hash"].startswith("sha256:") for file in files), name

"""What goes into the image: where it is from, and whether there is one for each platform."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dev.release.lock import OURS, in_the_image, packages, without_wheel

LOCK = tomllib.loads(Path("uv.lock").read_text())
# Has no wheel for arm64 and would need a compiler in the image.
WITHOUT_AARCH64 = {"wordllama"}


@pytest.mark.parametrize(
    ("machine", "lacking"), [("x86_64", set()), ("aarch64", WITHOUT_AARCH64)], ids=str
)
def test_every_package_of_the_image_has_a_wheel_for(machine: str, lacking: set[str]) -> None:
    assert {"kopf", "onnxruntime", "psycopg-binary", "wordllama"} < in_the_image(LOCK)
    assert without_wheel(LOCK, machine) == lacking


def test_every_package_is_from_the_index_and_known_by_its_hash() -> None:
    for name, item in packages(LOCK).items():
        if name == OURS:
            continue
        assert item["source"] == {"registry": "https://pypi.org/simple"}, name
        files = [*item.get("wheels", []), *([item["sdist"]] if "sdist" in item else [])]
        assert files
        assert all(file["hash"].startswith("sha256:") for file in files), name

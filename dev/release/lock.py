"""Whether everything that goes into the image has a wheel for a machine. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

OURS = "ragwright"
# The image's Python.
PYTHON = "cp313"


def packages(lock: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in lock["package"]}


def in_the_image(lock: dict[str, Any]) -> set[str]:
    """All that the package needs, and what these need in turn."""
    locked, found, left = packages(lock), set[str](), [OURS]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _needs(locked, name)
    return found - {OURS}


def _needs(locked: dict[str, dict[str, Any]], name: str) -> Iterator[str]:
    for needed in locked[name].get("dependencies", []):
        yield needed["name"]
        extras = locked[needed["name"]].get("optional-dependencies", {})
        for extra in needed.get("extra", []):
            yield from (more["name"] for more in extras.get(extra, []))


def without_wheel(lock: dict[str, Any], machine: str) -> set[str]:
    """Packages of the image that this machine (`x86_64`, `aarch64`) would have to compile."""
    locked = packages(lock)
    return {
        name
        for name in in_the_image(lock)
        if not any(_fits(wheel["url"], machine) for wheel in locked[name].get("wheels", []))
    }


def _fits(url: str, machine: str) -> bool:
    """Whether a wheel can be installed on the image's Python and Debian."""
    name = url.rsplit("/", 1)[1].removesuffix(".whl")
    python, abi, platform = name.split("-")[-3:]
    of_python = python.startswith("py") or PYTHON in python or "abi3" in abi
    return of_python and (platform == "any" or ("manylinux" in platform and machine in platform))

"""The image is built from what its Dockerfile copies."""

from __future__ import annotations

import re
from pathlib import Path


def test_nothing_that_the_dockerfile_copies_is_left_out_of_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", Path("Dockerfile").read_text(), re.M)
    names = {name for line in copied for name in line.split()}
    kept = re.findall(r"^!(.+)$", Path(".dockerignore").read_text(), re.M)
    assert names
    assert names <= set(kept)
    packages = re.findall(r'^    "(\w+)/ragwright_\w+",$', Path("pyproject.toml").read_text(), re.M)
    assert set(packages) <= names

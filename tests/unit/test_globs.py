"""Which files of a source are documents."""

from __future__ import annotations

import pytest

from ragwright_core.spec import Source
from ragwright_ingest.sources.base import wanted


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("**/*.md", "a.md", True),
        ("**/*.md", "deep/er/a.md", True),
        ("**/*.md", "a.md.bak", False),
        ("*.md", "deep/a.md", False),
        ("docs/**", "docs/x/y.txt", True),
        ("docs/**", "docsx/y.txt", False),
        ("docs/**/ref/*.rst", "docs/ref/a.rst", True),
        ("docs/**/ref/*.rst", "docs/1/2/ref/a.rst", True),
        ("a?.txt", "ab.txt", True),
        ("a?.txt", "a/.txt", False),
        ("[ab].txt", "a.txt", True),
        ("[ab].txt", "c.txt", False),
        ("[!ab].txt", "c.txt", True),
        ("[!ab].txt", "/.txt", False),
        ("a.b", "axb", False),
        ("v(1)+.md", "v(1)+.md", True),
        ("half[.md", "half[.md", True),
    ],
)
def test_glob(glob: str, path: str, expected: bool) -> None:
    assert wanted(path, [glob], []) is expected


def test_exclude_wins() -> None:
    assert not wanted("docs/old/a.md", ["**/*.md"], ["docs/old/**"])
    assert wanted("docs/new/a.md", ["**/*.md"], ["docs/old/**"])


def test_defaults_take_what_is_parsed() -> None:
    source = Source.model_validate({"name": "docs", "configMap": {"name": "docs"}})

    taken = [p for p in ("a.md", "b/c.rst", "d.txt", "e.png") if wanted(p, source.include, [])]

    assert taken == ["a.md", "b/c.rst", "d.txt"]

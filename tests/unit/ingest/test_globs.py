"""Which files of a source are documents."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ragwright_core.spec import Source
from ragwright_ingest.sources.globs import left_out, wanted


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
        ("[z-a].md", "m.md", False),
        ("[!z-a].md", "m.md", True),
        ("[a-cz-a].md", "b.md", True),
        ("[.-0].md", "/.md", False),
        ("[a-].md", "-.md", True),
        ("[\\w-a].md", "w.md", False),
        ("[[:alpha:]].md", ":].md", True),
        ("[a&&b~~c||d].md", "&.md", True),
        ("[^a].md", "^.md", True),
        ("[!!].md", "a.md", True),
    ],
)
def test_glob(glob: str, path: str, expected: bool) -> None:
    assert wanted(path, [glob], []) is expected


def test_exclude_wins() -> None:
    assert not wanted("docs/old/a.md", ["**/*.md"], ["docs/old/**"])
    assert wanted("docs/new/a.md", ["**/*.md"], ["docs/old/**"])


def test_defaults_take_what_is_parsed() -> None:
    source = Source.model_validate({"name": "docs", "configMap": {"name": "docs"}})

    taken = [
        p for p in ("a.md", "b/c.rst", "d.txt", "f/g.mdx", "e.png") if wanted(p, source.include, [])
    ]

    assert taken == ["a.md", "b/c.rst", "d.txt", "f/g.mdx"]


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["a.md"], ""),
        (["a.md", "b.png"], "1 file matches no include pattern (*.png)"),
        (["b.mdx", "c.mdx"], "2 files match no include pattern, all of them *.mdx"),
        (
            [*(f"{n}.mdx" for n in range(2500)), *(f"{n}.png" for n in range(69))],
            "2,569 files match no include pattern, most of them *.mdx",
        ),
        (["a.x", "b.x", "c.y", "d.z"], "4 files match no include pattern, 2 of them *.x"),
        (["LICENSE"], "1 file matches no include pattern (without a suffix)"),
        (["a.\u202e\n"], "1 file matches no include pattern (without a suffix)"),
        (["old/a.md"], ""),
    ],
)
def test_what_no_glob_takes_is_counted(paths: list[str], words: str) -> None:
    assert left_out(paths, ["**/*.md"]) == words


@pytest.mark.parametrize("glob", ["[z-a].md", "docs/[!9-0]x", "[a-z][b-a]"])
def test_a_range_that_runs_backwards_is_refused_in_words(glob: str) -> None:
    with pytest.raises(ValidationError, match=r"holds no character: write \["):
        Source.model_validate(
            {"name": "docs", "configMap": {"name": "docs"}, "include": ["a", glob]}
        )
    with pytest.raises(ValidationError, match="holds no character"):
        Source.model_validate({"name": "d", "configMap": {"name": "d"}, "exclude": [glob]})

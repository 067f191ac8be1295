"""Documents to text and title; what cannot be read says why."""

from __future__ import annotations

import pytest

from ragwright_ingest.parse import MAX_BYTES, UnreadableError, parse


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [
        ("a.md", "Intro\n\n# The Title #\n\ntext", "The Title"),
        ("a.md", "# Windows\r\n\r\ntext", "Windows"),
        ("a.md", "Underlined\n=========\n\ntext", "Underlined"),
        ("a.md", '---\nweight: 3\ntitle: "From the front"\n---\n\n# Other', "From the front"),
        ("a.md", "---\nweight: 3\n---\n\n# Heading", "Heading"),
        ("docs/how-to.md", "no heading", "how-to"),
        ("a.rst", ".. note::\n\n=======\nThe top\n=======\n\ntext", "The top"),
        ("a.rst", "The ``top``\n-----------\n", "The ``top``"),
        ("a.rst", "plain prose\n", "a"),
        ("a.txt", "\nRelease notes\n\ntext", "Release notes"),
        ("notes/a.txt", "one\ntwo\n", "a"),
    ],
)
def test_title(path: str, text: str, title: str) -> None:
    assert parse(path, text.encode()).title == title


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.md", "markdown"),
        ("A.MD", "markdown"),
        ("a.rst", "restructuredtext"),
        ("a.txt", "text"),
        ("LICENSE", "text"),
    ],
)
def test_format(path: str, expected: str) -> None:
    assert parse(path, b"text").format == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"abc\0def", "NUL"),
        (b"abc\xff", "not UTF-8 at byte 3"),
        (b"a" * (MAX_BYTES + 1), "at most 10"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        parse("a.md", content)


def test_text_is_the_file_as_it_is() -> None:
    assert parse("a.txt", b"one\r\ntwo \xc3\xa9").text == "one\r\ntwo é"

"""Documents to text and title; what cannot be read says why."""

from __future__ import annotations

from typing import Any

import pytest

from ragwright_core.index.version.place import Place
from ragwright_core.spec import Chunking
from ragwright_ingest.formats.base import Format, Parsed
from ragwright_ingest.formats.find import Formats, formats_in, known_formats
from ragwright_ingest.loading.chunk import chunks
from ragwright_ingest.unreadable import MAX_BYTES, UnreadableError

parse = known_formats().parse


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
    assert parse(path, b"text").format.name == expected


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


@pytest.mark.parametrize(
    ("front", "fields"),
    [
        (
            "team: a\nyear: 2024\ndraft: false\nowner:",
            {"team": "a", "year": 2024, "draft": False, "owner": None},
        ),
        ("tags: [a, b]\nweight: 1.5", {"tags": ["a", "b"], "weight": 1.5}),
        (
            "date: 2024-05-01\nat: 2024-05-01T10:00:00Z",
            {"date": "2024-05-01", "at": "2024-05-01T10:00:00+00:00"},
        ),
        ("a: {b: c}\nlists: [[1], 2]\nself: &s [*s]\n3: c\nkept: true", {"kept": True}),
        ('a: .nan\nb: .inf\nc: "\\0"\nd: "\\ud800"\n$gte: 1\nlong: ' + "x" * 1001, {}),
        ("bytes: !!binary aGk=\nset: !!set {a}", {}),
        ("a: !!python/object:os.system x", {}),
        ("a: !!int ''", {}),
        ("a: !!bool x", {}),
        ("a: [1", {}),
        ("[" * 5000, {}),
        ("just text", {}),
        ("- a", {}),
        ("", {}),
    ],
)
def test_fields_are_those_that_a_filter_can_ask_for(front: str, fields: dict[str, Any]) -> None:
    for newline in ("\n", "\r\n"):
        text = f"---\n{front}\n---\n\n# Title\n".replace("\n", newline)
        assert parse("a.md", text.encode()).fields == fields


@pytest.mark.parametrize(
    "text", ["# Title\n---\na: 1\n---\n", "---\na: 1\n", "---\na: 1\n--- x\n", " ---\na: 1\n---\n"]
)
def test_front_matter_stands_first_and_ends(text: str) -> None:
    assert parse("a.md", text.encode()).fields == {}


def test_front_matter_is_markdowns_and_bounded() -> None:
    text = "---\na: 1\n---\n"
    assert parse("a.txt", text.encode()).fields == {}
    many = "---\n" + "".join(f"f{n}: {n}\n" for n in range(99)) + "---\n"
    assert len(parse("a.md", many.encode()).fields) == 50
    long = "---\n" + "a: 1\n" * 3000 + "---\n"
    assert parse("a.md", long.encode()).fields == {}


def read_pages(path: str, content: bytes) -> Parsed:
    """A form feed ends a page; a binary format would not be text in its file."""
    pages = content[4:].decode("utf-16")

    def place(start: int, _: int) -> Place:
        return Place(f"page={pages.count(FORM_FEED, 0, start) + 1}")

    return Parsed(PAGES, pages, path, place)


FORM_FEED = "\f"
PAGES = Format("pages", (".pages",), read_pages)


def test_a_format_that_is_added_reads_its_own_bytes_and_says_where_they_stand() -> None:
    formats = Formats.of([*formats_in("ragwright_ingest.formats"), PAGES])
    content = b"\xff\0\1\2" + f"{'one ' * 20}.{FORM_FEED}{'two ' * 20}.".encode("utf-16")

    parsed = formats.parse("a.PAGES", content)
    found = chunks(parsed, Chunking(max_characters=100))

    assert formats.parse("a.md", b"# Title").format.name == "markdown"
    assert parsed.format is PAGES
    assert [chunk.place.anchor for chunk in found] == ["page=1", "page=2"]
    assert {chunk.place.first_line for chunk in found} == {None}


def test_a_format_is_found_by_its_module() -> None:
    found = {item.name for item in formats_in("ragwright_ingest.formats")}

    assert found >= {"markdown", "restructuredtext", "text"}


def test_two_formats_with_one_suffix_are_refused() -> None:
    other = Format("other", (".pages",), read_pages)

    with pytest.raises(ValueError, match=r"other and pages both read \.pages"):
        Formats.of([PAGES, other])

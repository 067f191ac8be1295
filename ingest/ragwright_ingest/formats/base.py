"""The interface of a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ragwright_core.index.version.place import Place


@dataclass(frozen=True)
class Parsed:
    """A document that was read. `text` is cut and quoted, `place` gives the place of its characters
    [start, end), and `fields` are the document's own fields, for filters."""

    format: Format
    text: str
    title: str
    place: Callable[[int, int], Place]
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """`read` takes a path and the bytes, and raises UnreadableError. `splitter` cuts the text."""

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[str, bytes], Parsed]
    splitter: type[MarkdownSplitter | TextSplitter] = TextSplitter

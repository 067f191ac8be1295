"""Documents to text. Offsets stay those of the file, so that a source can be quoted by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from ragwright_ingest import frontmatter

MAX_BYTES = 10 * 2**20

Format = Literal["markdown", "restructuredtext", "text"]

_FORMATS: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".rst": "restructuredtext",
    ".txt": "text",
}
_TITLES: dict[Format, tuple[re.Pattern[str], ...]] = {
    "markdown": (
        re.compile(r"\A---\r?\n(?:.*\n)*?title:[ \t]*(?P<title>\S.*)\n(?:.*\n)*?---"),
        re.compile(r"^#{1,2}[ \t]+(?P<title>.+?)[ \t]*#*\r?$", re.MULTILINE),
        re.compile(r"^(?P<title>\w.*)\n[=-]{3,}\s*$", re.MULTILINE),
    ),
    "restructuredtext": (
        re.compile(r"^(?P<title>\S.*)\n(?P<mark>[=~*#+^\"'`-])(?P=mark){2,}\s*$", re.MULTILINE),
    ),
    "text": (re.compile(r"\A\s*(?P<title>\S.{0,99})\r?\n\s*\r?\n"),),
}


class UnreadableError(Exception):
    """A document that cannot be read; the message says why. The rest goes on."""


@dataclass(frozen=True)
class Parsed:
    """`text` is the file as it is, a byte order mark aside; `fields` are those that it gives
    itself."""

    text: str
    title: str
    format: Format
    fields: dict[str, Any] = field(default_factory=dict)


def parse(path: str, content: bytes) -> Parsed:
    """Raises UnreadableError for what is too large, binary or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"{len(content) // 2**20} MiB; at most {MAX_BYTES // 2**20} are read")
    if b"\0" in content:
        raise UnreadableError("holds NUL bytes: a binary file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None
    found_format = _FORMATS.get(PurePosixPath(path).suffix.lower(), "text")
    fields = frontmatter.fields(text) if found_format == "markdown" else {}
    return Parsed(text, _title(text, found_format, path), found_format, fields)


def _title(text: str, found_format: Format, path: str) -> str:
    head = text[:5000]
    for pattern in _TITLES[found_format]:
        if found := pattern.search(head):
            return found["title"].strip(" \t\r\"'")[:200]
    return PurePosixPath(path).stem

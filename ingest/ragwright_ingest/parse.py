"""Documents to text. Offsets stay those of the file, so that a source can be quoted by line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

MAX_BYTES = 10 * 2**20

Format = Literal["markdown", "restructuredtext", "text"]

_FORMATS: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".rst": "restructuredtext",
    ".txt": "text",
}
_HASH_TITLE = re.compile(r"^#{1,2}\s+(.+?)\s*#*$", re.MULTILINE)
_UNDERLINED_TITLE = re.compile(r"^(\S.*)\n([=~*#+^\"'-])\2{2,}\s*$", re.MULTILINE)


class UnreadableError(Exception):
    """A document that cannot be read; the message says why. The rest goes on."""


@dataclass(frozen=True)
class Parsed:
    """`text` holds every character of the file, a byte order mark and CRs aside."""

    text: str
    title: str
    format: Format


def parse(path: str, content: bytes) -> Parsed:
    """Raises UnreadableError for what is too large, binary or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"{len(content) // 2**20} MiB; at most {MAX_BYTES // 2**20} are read")
    if b"\0" in content:
        raise UnreadableError("holds NUL bytes: a binary file?")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None
    found_format = _FORMATS.get(PurePosixPath(path).suffix.lower(), "text")
    return Parsed(text=text, title=_title(text, found_format, path), format=found_format)


def _title(text: str, found_format: Format, path: str) -> str:
    head = text[:5000]
    if found_format == "markdown" and (found := _HASH_TITLE.search(head)):
        return found[1][:200]
    if found := _UNDERLINED_TITLE.search(head):
        return found[1].strip()[:200]
    return PurePosixPath(path).stem

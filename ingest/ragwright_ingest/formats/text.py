"""Plain text, which is also the format of documents with an unknown suffix."""

from __future__ import annotations

import re

from ragwright_ingest.formats.base import Format, Parsed
from ragwright_ingest.formats.lines import by_line, decoded, title

_TITLES = (re.compile(r"\A\s*(?P<title>\S.{0,99})\r?\n\s*\r?\n"),)


def read(path: str, content: bytes) -> Parsed:
    text = decoded(content)
    return Parsed(FORMAT, text, title(path, text, _TITLES), by_line(text))


FORMAT = Format("text", (".txt",), read)

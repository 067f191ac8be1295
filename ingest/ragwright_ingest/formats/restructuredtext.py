"""reStructuredText."""

from __future__ import annotations

import re

from ragwright_ingest.formats.base import Format, Parsed
from ragwright_ingest.formats.lines import by_line, decoded, title

_TITLES = (re.compile(r"^(?P<title>\S.*)\n(?P<mark>[=~*#+^\"'`-])(?P=mark){2,}\s*$", re.MULTILINE),)


def read(path: str, content: bytes) -> Parsed:
    text = decoded(content)
    return Parsed(FORMAT, text, title(path, text, _TITLES), by_line(text))


FORMAT = Format("restructuredtext", (".rst",), read)
